import { z } from 'zod'
import { anchorHash, type Anchor } from '../engine/anchor.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const time = z.iso.datetime({ precision: 3 })

/** An anchor as it is kept outside, one a line. */
const anchorLine = z.strictObject({
  ledger_id: z.int(),
  number: z.int(),
  created_at: time,
  moved_after: time.nullable(),
  moved_until: time,
  last_account_id: z.string().nullable(),
  heads: z.int(),
  root: hash,
  previous: hash,
  hash,
})

/** Writes an anchor as one line of JSON. */
export function anchorText(anchor: Anchor): string {
  const text = (ms: number) => new Date(ms).toISOString()
  const line: z.output<typeof anchorLine> = {
    ledger_id: anchor.ledgerId,
    number: anchor.number,
    created_at: text(anchor.createdAt),
    moved_after: anchor.movedAfter === null ? null : text(anchor.movedAfter),
    moved_until: text(anchor.movedUntil),
    last_account_id: anchor.lastAccountId,
    heads: anchor.heads,
    root: anchor.root,
    previous: anchor.previous,
    hash: anchor.hash,
  }
  return JSON.stringify(line)
}

/** Reads anchors from lines of JSON. Throws a sentence that names the first line which is none, or which was changed. */
export function readAnchors(text: string): Anchor[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return []
    const anchor = anchorOf(line)
    if (anchor === undefined) throw new Error(`line ${index + 1} is no anchor, or was changed`)
    return anchor
  })
}

function anchorOf(line: string): Anchor | undefined {
  const parsed = z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text)
      } catch {
        context.addIssue('is no JSON')
        return z.NEVER
      }
    })
    .pipe(anchorLine)
    .safeParse(line)
  if (!parsed.success) return undefined
  const { data } = parsed
  const anchor = {
    ledgerId: data.ledger_id,
    number: data.number,
    createdAt: Date.parse(data.created_at),
    movedAfter: data.moved_after === null ? null : Date.parse(data.moved_after),
    movedUntil: Date.parse(data.moved_until),
    lastAccountId: data.last_account_id,
    heads: data.heads,
    root: data.root,
    previous: data.previous,
    hash: data.hash,
  }
  return anchorHash(anchor) === anchor.hash ? anchor : undefined
}
