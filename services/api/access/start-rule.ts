/** What the configuration says of who may call and from where. */
export interface StartWish {
  readonly HOST: string
  readonly NODE_ENV?: string | undefined
  readonly AUTH?: 'required' | 'none' | undefined
}

const loopback = '127.0.0.1'
const isLoopback = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/

/**
 * Where the API may listen. Without any credential it is open, and then it is for this machine only; in production it does not start
 * open. `AUTH=none` is the word of somebody who knows better. Throws a sentence for the operator; the advice is one for the log.
 */
export function whereToListen(
  { HOST, NODE_ENV, AUTH }: StartWish,
  { isAnyCredential }: { readonly isAnyCredential: boolean },
): { readonly host: string; readonly advice?: string } {
  if (AUTH === 'none') {
    const advice = 'AUTH=none: whoever reaches this service may do everything'
    return { host: HOST, advice }
  }
  if (AUTH === 'required') {
    const advice = 'AUTH=required and no credential: nobody is let in until npm run keys makes one'
    return isAnyCredential ? { host: HOST } : { host: HOST, advice }
  }
  if (isAnyCredential) return { host: HOST }
  if (NODE_ENV === 'production') {
    throw new Error(
      'no credential is configured, and production does not start open. Make a key (npm run keys -- create --role admin ' +
        '--all-ledgers) or configure JWT; AUTH=required starts closed, AUTH=none open to whoever reaches it',
    )
  }
  const bound = `no credential is configured: everybody on this machine may do everything, and nobody else is heard`
  return isLoopback.test(HOST)
    ? { host: HOST, advice: bound }
    : { host: loopback, advice: `${bound}; HOST=${HOST} counts once there is a key (npm run keys)` }
}
