/** One thing that is not as the ledger promises. */
export interface Difference {
  readonly ledgerId: number
  /** What it is about: `account …`, `transaction …`, `currency …`. */
  readonly subject: string
  /** What was expected and what is there, in minor units. */
  readonly detail: string
}

/** How many differences are named; the others are only counted. */
const namedMax = 100

/** The differences found so far: all counted, the first hundred named. */
export class Differences {
  readonly named: Difference[] = []
  count = 0

  add(ledgerId: number, subject: string, detail: string): void {
    this.count += 1
    if (this.named.length < namedMax) this.named.push({ ledgerId, subject, detail })
  }
}
