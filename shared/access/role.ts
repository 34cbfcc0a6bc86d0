/** What a credential may do: each role is one of these, and `services/api/access/route-access.ts` says what it opens. */
export const roles = ['viewer', 'poster', 'operator', 'admin', 'auditor'] as const

export type Role = (typeof roles)[number]

/** Whether a text names a role. */
export function isRole(text: unknown): text is Role {
  return roles.includes(text as Role)
}
