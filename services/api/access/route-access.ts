import type { Role } from '../../../shared/access/role.ts'

/** What a route asks of its caller. */
export type AccessClass = 'public' | 'viewer' | 'poster' | 'operator' | 'admin' | 'auditor'

/** What each role opens. */
export const roleOpens: Readonly<Record<Role, readonly AccessClass[]>> = {
  viewer: ['public', 'viewer'],
  poster: ['public', 'viewer', 'poster'],
  operator: ['public', 'viewer', 'poster', 'operator'],
  admin: ['public', 'viewer', 'poster', 'operator', 'admin', 'auditor'],
  auditor: ['public', 'viewer', 'auditor'],
}

/** The class of every route, by method and pattern. HEAD goes with GET. */
const routes: Readonly<Record<string, AccessClass>> = {
  'GET /': 'public',
  'GET /errors': 'public',
  'GET /openapi.json': 'public',
  'GET /health': 'public',
  'GET /health/ready': 'public',
  'GET /health/ready/details': 'operator',
  'GET /metrics': 'operator',

  'POST /api/v1/accounts': 'poster',
  'GET /api/v1/accounts': 'viewer',
  'GET /api/v1/accounts/:id': 'viewer',
  'PATCH /api/v1/accounts/:id': 'operator',
  'GET /api/v1/accounts/:id/balance': 'viewer',
  'GET /api/v1/accounts/:id/entries': 'viewer',
  'GET /api/v1/accounts/:id/statement': 'viewer',

  'POST /api/v1/transactions': 'poster',
  'POST /api/v1/transactions/batch': 'poster',
  'GET /api/v1/transactions': 'viewer',
  'GET /api/v1/transactions/:id': 'viewer',
  'POST /api/v1/transactions/:id/cancel': 'poster',
  'POST /api/v1/transactions/:id/reversals': 'poster',
  'POST /api/v1/transactions/:id/capture': 'poster',
  'POST /api/v1/transactions/:id/void': 'poster',
  'POST /api/v1/transactions/:id/extend': 'poster',
  'POST /api/v1/transactions/:id/resume': 'operator',
  'POST /api/v1/transactions/:id/refuse': 'operator',

  'GET /api/v1/batches/:id': 'viewer',
  'POST /api/v1/batches/:id/cancel': 'poster',

  'GET /api/v1/queue': 'viewer',
  'GET /api/v1/queue/parked': 'viewer',

  'GET /api/v1/events': 'viewer',
  'GET /api/v1/events/stream': 'viewer',

  'POST /api/v1/currencies': 'operator',
  'GET /api/v1/currencies': 'viewer',

  'POST /api/v1/webhooks': 'operator',
  'GET /api/v1/webhooks': 'operator',
  'GET /api/v1/webhooks/:id': 'operator',
  'PATCH /api/v1/webhooks/:id': 'operator',
  'DELETE /api/v1/webhooks/:id': 'operator',
  'POST /api/v1/webhooks/:id/rotate-secret': 'operator',
  'POST /api/v1/webhooks/:id/redeliver': 'operator',
  'GET /api/v1/webhooks/:id/deliveries': 'operator',
  'POST /api/v1/webhooks/:id/deliveries/:event_id/redeliver': 'operator',

  'GET /api/v1/ledger': 'viewer',
  'PATCH /api/v1/ledger': 'admin',
  'GET /api/v1/trial-balance': 'viewer',
  'POST /api/v1/ledgers': 'admin',
  'GET /api/v1/ledgers': 'admin',

  'GET /api/v1/audit': 'auditor',
  'POST /api/v1/audit/verify': 'auditor',
}

/** The class of all that lies below an address: pages with their assets, whose patterns are their makers'. */
const subtrees: Readonly<Record<string, AccessClass>> = {
  '/docs': 'public',
  '/redoc': 'public',
  '/admin/queues': 'operator',
}

/** Pages that a browser opens by itself, which can show a credential only as the password it asks its user for. */
const browserRoot = '/admin/queues'

/** Whether a route is of the pages that browsers open. They only read. */
export function isForBrowsers(pattern: string): boolean {
  return pattern === browserRoot || pattern.startsWith(`${browserRoot}/`)
}

/** The class of a route; undefined when nobody has given it one, and then the service does not start. */
export function classOf(method: string, pattern: string): AccessClass | undefined {
  const known = routes[`${method === 'HEAD' ? 'GET' : method} ${pattern}`]
  if (known !== undefined) return known
  const tree = Object.keys(subtrees).find(
    (root) => pattern === root || pattern.startsWith(`${root}/`),
  )
  return tree === undefined ? undefined : subtrees[tree]
}

/** The routes that the table speaks of, for the test that holds it to those that there are. */
export const routesInTable: readonly string[] = Object.keys(routes)
