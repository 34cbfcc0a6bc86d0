import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readConfiguration } from '../shared/config.ts'
import { verifyStore, type VerificationReport } from '../shared/store/verify/verify-store.ts'
import { readAnchors } from '../shared/wire/anchor-json.ts'

/** As much rest as work: a service on the same machine keeps its speed. */
const restBesideService = 1

/**
 * Recomputes the books of DATABASE_URL, also beside the live service, and prints the evidence. Ends with 0 when all is as
 * promised, with 1 when something differs, with 2 when it cannot be told. `--full-speed` takes no rest; `--anchors FILE` names
 * anchors that were kept outside of the database (`npm run anchors`), which must be in it.
 */
async function verify(): Promise<number> {
  const { values } = parseArgs({
    options: { 'full-speed': { type: 'boolean', default: false }, anchors: { type: 'string' } },
  })
  const kept = values.anchors === undefined ? [] : readAnchors(readFileSync(values.anchors, 'utf8'))
  const location = readConfiguration().DATABASE_URL
  const report = await verifyStore(location, {
    restPerWork: values['full-speed'] ? 0 : restBesideService,
    kept,
  })
  print(report)
  return report.clean ? 0 : 1
}

function print(report: VerificationReport): void {
  for (const ledger of report.ledgers) {
    const { posted, failed, queued, canceled, held, captured, voided, expired } =
      ledger.transactions
    console.log(`ledger ${ledger.ledgerId}`)
    console.log(`  ${ledger.accounts} accounts with ${ledger.entriesOfAccounts} entries`)
    if (ledger.unchained > 0) {
      console.log(
        `  ${ledger.unchained} entries without a hash: a version before the chain posted them`,
      )
    }
    console.log(
      `  ${posted} transactions posted with ${ledger.entriesOfTransactions} entries, ` +
        `${failed} failed, ${canceled} canceled, ${queued} queued, ${ledger.queued} places in the queue`,
    )
    console.log(`  ${held} holds open, ${captured} captured, ${voided} voided, ${expired} expired`)
    if (ledger.told.toldSince !== undefined) {
      const since = new Date(ledger.told.toldSince).toISOString()
      console.log(`  ${ledger.told.events} events; what ended since ${since} is told once each`)
    }
    if (ledger.anchors > 0) console.log(`  ${ledger.anchors} anchors over the chains of entries`)
    for (const { currency, accounts, debits, credits } of ledger.totals) {
      console.log(
        `  ${currency}: debits ${debits}, credits ${credits} over ${accounts} accounts at one instant`,
      )
    }
    for (const [currency, { debits, credits }] of ledger.moved) {
      console.log(`  ${currency}: debits ${debits}, credits ${credits} over the transactions`)
    }
  }
  for (const { ledgerId, subject, detail } of report.differences) {
    console.log(`DIFFERENCE in ledger ${ledgerId}: ${subject}: ${detail}`)
  }
  const unnamed = report.differenceCount - report.differences.length
  if (unnamed > 0) console.log(`… and ${unnamed} more`)
  const seconds = (report.tookMs / 1000).toFixed(1)
  console.log(
    report.clean
      ? `clean: no difference, in ${seconds} s (sums in minor units)`
      : `NOT CLEAN: ${report.differenceCount} differences, in ${seconds} s (sums in minor units)`,
  )
}

try {
  process.exitCode = await verify()
} catch (error) {
  console.error(`cannot verify: ${reasonOf(error)}`)
  process.exitCode = 2
}

/** The store's failure says its class only; the driver's own words are its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
