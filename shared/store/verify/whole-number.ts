/** Reads money as it is stored; undefined when it is no whole number: a damaged store may hold anything. */
export function wholeNumber(value: unknown): bigint | undefined {
  return typeof value === 'string' && /^-?[0-9]+$/.test(value) ? BigInt(value) : undefined
}
