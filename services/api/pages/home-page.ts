import { escapeHtml, page } from './page.ts'

const links = [
  ['/docs', 'Try the API', 'Swagger UI, in the browser'],
  ['/redoc', 'Read the API', 'ReDoc, on one page'],
  ['/openapi.json', 'OpenAPI 3.1', 'The document behind both'],
  ['/errors', 'Errors', 'Every code, and what to do'],
  ['/admin/queues', 'Queues', 'Bull Board, read-only'],
  ['/health/ready', 'Readiness', 'Whether it can take work'],
  ['/health', 'Health', 'Whether the process is alive'],
  ['/metrics', 'Metrics', 'For Prometheus'],
] as const

/** The page at `/`: what runs here, where everything is, and a first payment to try. `origin` is its own address. */
export function homePage(store: string, origin: string): string {
  const cards = links
    .map(
      ([href, name, what]) => `<li><a href="${href}"><b>${name}</b><span>${what}</span></a></li>`,
    )
    .join('\n      ')
  return page(
    'LedgerFlow',
    `<h1>LedgerFlow</h1>
    <p>A double-entry payment ledger: exact money, safe retries. It runs here on ${escapeHtml(store)}.</p>
    <ul class="cards">
      ${cards}
    </ul>
    <h2>A first payment</h2>
    <pre>${escapeHtml(firstPayment(origin))}</pre>`,
  )
}

/** Shell commands that open two accounts, post 125.00 between them and read a balance. */
function firstPayment(origin: string): string {
  const json = `-H 'content-type: application/json'`
  const open = (variable: string, name: string, type: string) =>
    `${variable}=$(curl -s ${origin}/api/v1/accounts ${json} \\
  -d '{"name": "${name}", "account_type": "${type}", "currency": "USD"}' | grep -o '[0-9a-f-]\\{36\\}')`
  return `${open('CASH', 'Cash', 'asset')}
${open('ALICE', 'Alice', 'liability')}

curl -s ${origin}/api/v1/transactions ${json} \\
  -H "idempotency-key: first-of-$ALICE" -d '{
  "currency": "USD",
  "entries": [
    {"account_id": "'$CASH'", "direction": "debit", "amount": "125.00"},
    {"account_id": "'$ALICE'", "direction": "credit", "amount": "125.00"}
  ]}'

curl -s ${origin}/api/v1/accounts/$ALICE/balance`
}
