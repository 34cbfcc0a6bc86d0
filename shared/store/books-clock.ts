/** The clock by which transactions are posted. */
export interface BooksClock {
  /** What it says, in ms since 1970. */
  now(): Promise<number>
  /** Resolves when nothing can be posted at or before `at` any more, in whichever process. */
  settle(at: number): Promise<void>
}
