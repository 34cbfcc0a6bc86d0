/** Room for one answer: two numbers (is it there, its length), then its JSON. */
export const answerSize = 1024 * 1024

/** What a user's thread is given. */
export interface UserData {
  readonly script: string
  readonly variables: Readonly<Record<string, string>>
  /** Where the answer to its request is put. */
  readonly answer: SharedArrayBuffer
  /** One number: iterations begun by all users. */
  readonly iterations: SharedArrayBuffer
  /** What the script's `setup` gave; undefined: this thread is to run it, and nothing else. */
  readonly setUp: unknown
}

/** What a user's thread says. */
export type FromUser =
  | {
      readonly kind: 'request'
      readonly method: string
      readonly url: string
      readonly body: string | undefined
      readonly headers: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'ended'
      /** What `setup` gave. */
      readonly data: unknown
      readonly counts: Readonly<Record<string, number>>
      readonly times: Readonly<Record<string, readonly number[]>>
    }
