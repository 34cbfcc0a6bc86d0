import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { newId } from '../../../shared/engine/new-id.ts'
import type { AccountRecord } from '../../../shared/engine/account-record.ts'
import type { MinorUnits } from '../../../shared/ledger/money.ts'
import type { AccountChange, NewAccount } from '../../../shared/store/ledger-store.ts'
import {
  accountChangeRequest,
  accountEntryJson,
  accountEntryJsonSchema,
  accountJson,
  accountJsonSchema,
  accountQuery,
  accountRequest,
  balanceJson,
  balanceJsonAt,
  balanceJsonSchema,
  currencyOf,
  minAvailableOf,
  type AccountChangeRequest,
  type AccountRequest,
} from '../../../shared/wire/account-json.ts'
import { axis, time, uuid } from '../../../shared/wire/fields.ts'
import { pageJson, pageKey, pageParameters } from '../../../shared/wire/paging.ts'
import { Problem, type ProblemCode } from '../../../shared/wire/problems.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, none, pageOf } from '../operation.ts'

const idPath = z.strictObject({ id: uuid })
const entryQuery = z.strictObject(pageParameters)
const balanceQuery = z.strictObject({
  at: time.optional().meta({
    description:
      'The balance as it stood then. Default: now. RFC 3339; the plus of a zone is written `%2B`.',
  }),
  axis,
})

const bodyFaults: readonly ProblemCode[] = [
  'invalid_request',
  'malformed_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
]

/** Opening, reading and changing accounts; their balances and entries. */
export function accountRoutes({ store, currencies }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.post<{ Body: AccountRequest }>(
      '/api/v1/accounts',
      {
        schema: {
          operationId: 'createAccount',
          tags: ['Accounts'],
          summary: 'Open an account',
          body: accountRequest,
          querystring: none,
          response: answers({ 201: ['The account.', accountJsonSchema] }, [
            ...bodyFaults,
            'code_taken',
            'currency_unknown',
            'amount_scale',
            'amount_too_large',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request, reply) => {
        const account = await open(request, request.body)
        return reply
          .code(201)
          .header('location', `/api/v1/accounts/${account.id}`)
          .send(accountJson(account))
      },
    )

    server.get<{ Querystring: z.output<typeof accountQuery> }>(
      '/api/v1/accounts',
      {
        schema: {
          operationId: 'listAccounts',
          tags: ['Accounts'],
          summary: 'List accounts, newest first',
          querystring: accountQuery,
          response: answers({ 200: ['One page.', pageOf('AccountPage', accountJsonSchema)] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const { limit, cursor, account_type: accountType, ...rest } = request.query
        const { currency, status, code, metadata } = rest
        const filter = { currency, accountType, status, code, metadata }
        const scope = await cursorScope(store, request.ledgerId, 'accounts', filter)
        const page = { before: pageKey(scope, cursor), size: limit + 1 }
        const rows = await store.listAccounts(request.ledgerId, filter, page)
        return pageJson(rows, limit, scope, { keyOf: (account) => account.id, json: accountJson })
      },
    )

    server.get<{ Params: { id: string } }>(
      '/api/v1/accounts/:id',
      {
        schema: {
          operationId: 'getAccount',
          tags: ['Accounts'],
          summary: 'Read an account',
          params: idPath,
          querystring: none,
          response: answers({ 200: ['The account.', accountJsonSchema] }, [
            'invalid_request',
            'not_found',
            'store_unavailable',
          ]),
        },
      },
      async (request) => accountJson(await there(request.ledgerId, request.params.id)),
    )

    server.patch<{ Params: { id: string }; Body: AccountChangeRequest }>(
      '/api/v1/accounts/:id',
      {
        schema: {
          operationId: 'changeAccount',
          tags: ['Accounts'],
          summary: 'Change an account',
          description:
            'What is left out stays. A frozen account takes no entries and can become active again; a closed one stays ' +
            'closed, and only an account without balance and holds, and for which nothing is queued, can be closed.',
          params: idPath,
          querystring: none,
          body: accountChangeRequest,
          response: answers({ 200: ['The account as it is now.', accountJsonSchema] }, [
            ...bodyFaults,
            'not_found',
            'account_closed',
            'account_not_empty',
            'amount_scale',
            'amount_too_large',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request) => accountJson(await change(request, request.params.id, request.body)),
    )

    server.get<{ Params: { id: string }; Querystring: z.output<typeof balanceQuery> }>(
      '/api/v1/accounts/:id/balance',
      {
        schema: {
          operationId: 'getBalance',
          tags: ['Accounts'],
          summary: "Read an account's balance, now or at a time",
          params: idPath,
          querystring: balanceQuery,
          response: answers({ 200: ['The balance.', balanceJsonSchema] }, [
            'invalid_request',
            'not_found',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const now = Date.now()
        const account = await there(request.ledgerId, request.params.id)
        const { at, axis } = request.query
        if (axis === 'effective') {
          const asOf = at ?? Math.max(now, account.lastPostedAt ?? now)
          const then = await store.effectiveBalanceAt(account, asOf)
          return balanceJsonAt(account, then, { axis, asOf })
        }
        if (at === undefined || at >= now) return balanceJson(account, now)
        return balanceJsonAt(account, await store.balanceAt(account, at), { axis, asOf: at })
      },
    )

    server.get<{ Params: { id: string }; Querystring: z.output<typeof entryQuery> }>(
      '/api/v1/accounts/:id/entries',
      {
        schema: {
          operationId: 'listEntries',
          tags: ['Accounts'],
          summary: "List an account's entries with the running balance, newest first",
          params: idPath,
          querystring: entryQuery,
          response: answers({ 200: ['One page.', pageOf('EntryPage', accountEntryJsonSchema)] }, [
            'invalid_request',
            'not_found',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const { limit, cursor } = request.query
        const account = await there(request.ledgerId, request.params.id)
        const filter = { accountId: account.id }
        const scope = await cursorScope(store, request.ledgerId, 'entries', filter)
        const key = pageKey(scope, cursor)
        const page = { before: key === undefined ? undefined : Number(key), size: limit + 1 }
        const rows = await store.listEntries(request.ledgerId, account.id, page)
        return pageJson(rows, limit, scope, {
          keyOf: (entry) => String(entry.accountVersion),
          json: (entry) => accountEntryJson(entry, account.exponent),
        })
      },
    )
  }

  async function there(ledgerId: number, id: string): Promise<AccountRecord> {
    const account = await store.findAccount(ledgerId, id)
    if (account === undefined) throw new Problem('not_found')
    return account
  }

  async function open(request: FastifyRequest, body: AccountRequest): Promise<AccountRecord> {
    const { ledgerId } = request
    const known = await currencies.including(ledgerId, body.currency)
    const found = currencyOf(body.currency, known)
    if ('refused' in found) throw new Problem(found.refused)
    const { currency } = found
    const id = newId()
    const account: NewAccount = {
      id,
      ledgerId,
      code: body.code ?? null,
      name: body.name,
      accountType: body.account_type,
      currency,
      minAvailable: floorOf(body.min_available ?? null, currency.exponent),
      metadata: body.metadata ?? {},
      createdAt: Date.now(),
    }
    const witness = witnessOf(request, { status: 201 })
    if (!(await store.createAccount(account, witness))) throw new Problem('code_taken')
    return there(ledgerId, id)
  }

  async function change(
    request: FastifyRequest,
    id: string,
    body: AccountChangeRequest,
  ): Promise<AccountRecord> {
    const { ledgerId } = request
    const { exponent } = await there(ledgerId, id)
    const wished: AccountChange = {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.status === undefined ? {} : { status: body.status }),
      ...(body.min_available === undefined
        ? {}
        : { minAvailable: floorOf(body.min_available, exponent) }),
      ...(body.metadata === undefined ? {} : { metadata: body.metadata ?? {} }),
    }
    const outcome = await store.changeAccount(ledgerId, id, wished, witnessOf(request))
    switch (outcome.kind) {
      case 'changed':
        return outcome.account
      case 'not_found':
        throw new Problem('not_found')
      case 'closed':
        throw new Problem('account_closed')
      case 'not_empty': {
        const { balance, available } = accountJson(outcome.account)
        const { blockers } = outcome
        throw new Problem('account_not_empty', { details: { blockers, balance, available } })
      }
    }
  }
}

function floorOf(text: string | null, exponent: number): MinorUnits | null {
  if (text === null) return null
  const floor = minAvailableOf(text, exponent)
  if ('units' in floor) return floor.units
  const errors = [{ pointer: 'min_available', detail: 'does not fit the currency' }]
  throw new Problem(floor.refused, { errors })
}
