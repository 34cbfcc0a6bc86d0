/**
 * The two orders in which the books can be read: by when an entry was posted, which never changes afterwards, and by when it
 * takes effect, where an entry posted today may stand in last month.
 */
export const axes = ['posted', 'effective'] as const
export type Axis = (typeof axes)[number]

/** The first and last time that either axis has: the years that both stores and ISO 8601 write in four digits. */
export const timeMin = Date.parse('0001-01-01T00:00:00.000Z')
export const timeMax = Date.parse('9999-12-31T23:59:59.999Z')
