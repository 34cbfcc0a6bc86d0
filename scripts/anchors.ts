import { parseArgs } from 'node:util'
import { readConfiguration } from '../shared/config.ts'
import { makeAnchors } from '../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../shared/store/anchors/open-anchor-books.ts'
import { anchorsOf } from '../shared/store/anchors/read-anchors.ts'
import { ledgerIds } from '../shared/store/read-queue.ts'
import { paceOf } from '../shared/store/verify/pace.ts'
import { anchorText } from '../shared/wire/anchor-json.ts'

const usage = `Writes the anchors of DATABASE_URL to standard output, one JSON object a line, oldest first:

  npm run --silent anchors [-- --now]

  --now  makes an anchor before, of what has moved since the last one

Keep them where nobody can change them who can change the database. npm run verify -- --anchors FILE holds the database against them.`

/** As much rest as work: a service on the same machine keeps its speed. */
const restPerWork = 1

async function anchors(): Promise<void> {
  const { values } = parseArgs({
    options: {
      now: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return
  }
  const books = openAnchorBooks(readConfiguration().DATABASE_URL)
  try {
    for (const ledgerId of await ledgerIds(books)) {
      if (values.now) await makeAnchors(books, ledgerId, paceOf(restPerWork))
      for await (const anchor of anchorsOf(books, ledgerId)) console.log(anchorText(anchor))
    }
  } finally {
    await books.close()
  }
}

anchors().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
