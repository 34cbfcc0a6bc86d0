import { requestBytes } from '../raw-http.ts'
import { accountsPath, answered, canary, transactionsPath, type BadRequest } from './bad-request.ts'

const long = canary.repeat(16).slice(0, 200)
const unknown = '0198c0de-0000-7000-8000-000000000000'

/** Ids that are none, addresses that lead nowhere, methods that a route does not take. */
export const paths: readonly BadRequest[] = [
  ...[accountsPath, transactionsPath].flatMap((list) => [
    get('an id that is no UUID', `${list}/${canary}`, 404, 'not_found'),
    get('an id that nothing has', `${list}/${unknown}`, 404, 'not_found'),
    get('an id with a brace', `${list}/{${unknown}}`, 404, 'not_found'),
    get('an id with a NUL', `${list}/${canary}%00`, 404, 'not_found'),
    get('an id with a way up', `${list}/..%2f${canary}`, 404, 'not_found'),
    get('an id with a way up, twice encoded', `${list}/..%252f${canary}`, 404, 'not_found'),
    get('an id with a line break', `${list}/${canary}%0d%0ax-evil:%201`, 404, 'not_found'),
    get('an id of 200 characters', `${list}/${long}`, 414, 'uri_too_long'),
    get('an id that is no UTF-8', `${list}/${canary}%ff`, 400, 'invalid_request'),
    get('an id with half an escape', `${list}/${canary}%f`, 400, 'invalid_request'),
    get('an id in SQL', `${list}/1'%20or%20'1'='1`, 404, 'not_found'),
    get('an empty id', `${list}/`, 404, 'not_found'),
  ]),
  get('the balance of no account', `${accountsPath}/${unknown}/balance`, 404, 'not_found'),
  get('the entries of no account', `${accountsPath}/${unknown}/entries`, 404, 'not_found'),
  {
    title: 'a change of no account',
    bytes: () => requestBytes('PATCH', `${accountsPath}/${unknown}`, { body: { name: canary } }),
    ...answered(404, 'not_found'),
  },

  get('a route that is none', `/api/v1/${canary}`, 404, 'route_not_found'),
  get('a route in capitals', '/API/V1/accounts', 404, 'route_not_found'),
  get('another version', '/api/v2/accounts', 404, 'route_not_found'),
  get('two slashes', '//api/v1/accounts', 404, 'route_not_found'),
  get('a way up', `/api/v1/../../${canary}`, 404, 'route_not_found'),
  get('a file of the documentation pages', `/docs/static/..%2f${canary}`, 404, 'route_not_found'),
  get('a documentation page that is none', `/docs/static/${canary}.js`, 404, 'route_not_found'),
  get('an address that is no UTF-8', `/${canary}%ff`, 400, 'invalid_request'),
  get('an address of 9,000 characters', `/${canary}?q=${'q'.repeat(9000)}`, 414, 'uri_too_long'),
  get('an address of 40,000 characters', `/${canary}${'q'.repeat(40_000)}`, 414, 'uri_too_long'),
  {
    title: 'a body for a route that is none',
    bytes: () =>
      requestBytes('POST', `/api/v1/${canary}`, {
        body: `${canary}=1`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    ...answered(404, 'route_not_found'),
  },
  {
    title: 'malformed JSON for a route that is none',
    bytes: () => requestBytes('POST', `/api/v1/${canary}`, { body: `{"${canary}` }),
    ...answered(404, 'route_not_found'),
  },

  ...(
    [
      ['DELETE', transactionsPath],
      ['PUT', accountsPath],
      ['PATCH', `${transactionsPath}/${unknown}`],
      ['DELETE', `${accountsPath}/${unknown}`],
      ['POST', `${accountsPath}/${canary}/balance`],
      ['OPTIONS', transactionsPath],
      ['TRACE', accountsPath],
      ['PROPFIND', '/'],
      ['POST', '/health'],
    ] as const
  ).map(([method, path]) => ({
    title: `${method} ${path.replace(canary, '…')}`,
    bytes: () => requestBytes(method, path, method === 'TRACE' ? {} : { body: { name: canary } }),
    ...answered(405, 'method_not_allowed'),
  })),
]

function get(
  what: string,
  path: string,
  status: number,
  code: Parameters<typeof answered>[1],
): BadRequest {
  const title = `${what}, at ${/accounts|transactions|docs/.exec(path)?.[0] ?? 'the root'}`
  return { title, bytes: () => requestBytes('GET', path), ...answered(status, code) }
}
