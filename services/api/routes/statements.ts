import { Readable } from 'node:stream'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import type { AccountRecord } from '../../../shared/engine/account-record.ts'
import { timeMax, timeMin } from '../../../shared/ledger/axis.ts'
import { minorUnits } from '../../../shared/ledger/money.ts'
import type { StatementPlace, StatementSpan } from '../../../shared/engine/statement.ts'
import { uuid } from '../../../shared/wire/fields.ts'
import { invalidParts } from '../../../shared/wire/invalid-request.ts'
import { pageKey } from '../../../shared/wire/paging.ts'
import { writeCursor } from '../../../shared/wire/cursor.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import {
  statementCsvBalance,
  statementCsvHeader,
  statementCsvLine,
} from '../../../shared/wire/statement-csv.ts'
import {
  statementJson,
  statementJsonSchema,
  statementLineJson,
  statementQuery,
  type StatementJson,
  type StatementLineJson,
  type StatementQuery,
} from '../../../shared/wire/statement-json.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers } from '../operation.ts'

const idPath = z.strictObject({ id: uuid })

const linesPerPage = 50

/** Lines that one read of a CSV statement takes, and that leave in one piece. */
const linesPerPiece = 1000

const csvExample =
  statementCsvHeader +
  statementCsvBalance('opening_balance', minorUnits(10_000n), 2) +
  statementCsvBalance('closing_balance', minorUnits(10_000n), 2)

/** Statements of account: what happened in a span of time, with the balance before, between and after. */
export function statementRoutes({ store }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.get<{ Params: { id: string }; Querystring: StatementQuery }>(
      '/api/v1/accounts/:id/statement',
      {
        schema: {
          operationId: 'getStatement',
          tags: ['Accounts'],
          summary: "Read an account's statement, oldest first",
          description:
            'The opening balance, all that happened from `from` up to `to` with the running balance, and the closing balance. ' +
            'What is posted while its pages are read is not in it. As CSV it comes whole, with a row for either balance.',
          params: idPath,
          querystring: statementQuery,
          response: answers(
            {
              200: [
                'A page of the statement, or all of it as CSV.',
                statementJsonSchema,
                { 'text/csv': z.string().meta({ examples: [csvExample] }) },
              ],
            },
            ['invalid_request', 'not_found', 'store_unavailable'],
          ),
        },
      },
      async (request, reply) => {
        judgeSpan(request.query)
        const account = await store.findAccount(request.ledgerId, request.params.id)
        if (account === undefined) throw new Problem('not_found')
        if (request.query.format === 'json') return page(account, request.query)

        const text = await csv(account, spanOf(account, request.query))
        return reply
          .header('content-type', 'text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="statement-${account.id}.csv"`)
          .send(Readable.from(text, { objectMode: false }))
      },
    )
  }

  /** One page. What all pages must agree on, the account's version and the end of the span, travels in the cursor. */
  async function page(read: AccountRecord, query: StatementQuery): Promise<StatementJson> {
    const { from = null, to = null, axis, limit = linesPerPage } = query
    const filter = { accountId: read.id, from, to, axis }
    const scope = await cursorScope(store, read.ledgerId, 'statement', filter)
    const key = pageKey(scope, query.cursor)
    const resumed = key === undefined ? undefined : progressOf(key)

    const account = { ...read, version: resumed?.version ?? read.version }
    const span = { ...spanOf(read, query), ...(resumed === undefined ? {} : resumed.span) }
    const frame = await store.statementFrame(account, span)
    const { lastVersion, opening, closing } = frame
    const place = resumed?.place ?? opening
    const reading = { from: place, lastVersion, rowsPerRead: limit + 1 }
    const lines: StatementLineJson[] = []
    let next: StatementPlace | undefined
    for await (const line of store.statementLines(account, span, reading)) {
      if (lines.length === limit) {
        const key = keyOf({ version: account.version, span, place: next ?? place })
        return write(lines, writeCursor(scope, key))
      }
      lines.push(statementLineJson(line, account.exponent))
      next = line.place
    }
    return write(lines, null)

    function write(shown: StatementLineJson[], nextCursor: string | null): StatementJson {
      const shownTo = to ?? (axis === 'effective' ? span.until + 1 : null)
      const head = { axis, from, to: shownTo, opening: opening.balance, closing }
      return statementJson(account, head, { lines: shown, nextCursor })
    }
  }

  /** The whole statement in pieces. What can fail before the first of them still gets its error answer. */
  async function csv(account: AccountRecord, span: StatementSpan): Promise<AsyncGenerator<string>> {
    const { opening, closing, lastVersion } = await store.statementFrame(account, span)
    const reading = { from: opening, lastVersion, rowsPerRead: linesPerPiece }
    return pieces()

    async function* pieces(): AsyncGenerator<string> {
      const { exponent } = account
      let text = statementCsvHeader
      text += statementCsvBalance('opening_balance', opening.balance, exponent)
      let lines = 0
      for await (const line of store.statementLines(account, span, reading)) {
        text += statementCsvLine(statementLineJson(line, exponent))
        lines += 1
        if (lines % linesPerPiece > 0) continue
        yield text
        text = ''
      }
      yield text + statementCsvBalance('closing_balance', closing, exponent)
    }
  }
}

/** What a page hands on to the next. */
interface Progress {
  readonly version: number
  readonly span: Pick<StatementSpan, 'until'>
  readonly place: StatementPlace
}

function keyOf({ version, span, place }: Progress): string {
  return [version, span.until, place.version, ...place.dated, place.balance].join(',')
}

function progressOf(key: string): Progress {
  const parts = key.split(',')
  const [version = 0, until = 0, placeVersion = 0, effectiveAt = 0, datedVersion = 0] = parts
    .slice(0, -1)
    .map(Number)
  return {
    version,
    span: { until },
    place: {
      version: placeVersion,
      dated: [effectiveAt, datedVersion],
      balance: minorUnits(BigInt(parts.at(-1) ?? '0')),
    },
  }
}

/** Faults that no single parameter has. */
function judgeSpan({ from, to, format, limit, cursor }: StatementQuery): void {
  if (to !== undefined && (to <= timeMin || to < (from ?? to))) {
    throw invalidParts([{ pointer: 'query/to', detail: 'must not be before `from`' }])
  }
  if (format === 'json') return
  for (const [name, value] of Object.entries({ limit, cursor })) {
    if (value === undefined) continue
    throw invalidParts([{ pointer: `query/${name}`, detail: 'is of JSON only' }])
  }
}

/** The span of a statement. Without `to`, all that is posted is in it, and nothing that takes effect later than now. */
function spanOf(account: AccountRecord, { axis, from, to }: StatementQuery): StatementSpan {
  const after = from === undefined || from <= timeMin ? null : from - 1
  if (to !== undefined) return { axis, after, until: to - 1 }
  const now = Date.now()
  const until =
    axis === 'posted' ? timeMax : Math.max(now, account.lastPostedAt ?? now, after ?? now)
  return { axis, after, until }
}
