/**
 * Who may import whom (type imports included):
 *
 *   services/*, scripts, benchmarks, test → shared/{wire, queue, store} → shared/engine → shared/ledger → nothing
 *
 * A layer may use any layer below it, never one above or beside it. `shared/config.ts` and `shared/log.ts` stand aside: they
 * know no layer, and `shared/ledger` and `shared/engine` do not know them.
 *
 * Run by `npm run check:architecture`, which also fails when no module was seen.
 */

const rule = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: typeof from === 'string' ? { path: from } : from,
  to: typeof to === 'string' ? { path: to } : to,
})

/** A package as it lies in node_modules, with its types. */
const packages = (...names) => `^node_modules/(@types/)?(${names.join('|')})/`

/**
 * A driver has one home. Tests and benchmarks look at the stores from outside, and provisioning
 * creates databases.
 */
const OUTSIDE = '^(test|benchmarks|scripts/provision)/'

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    rule(
      'no-cycle',
      'A cycle is two ideas that are one, or one that is two.',
      {},
      { circular: true },
    ),
    // k6 brings its own modules with it: its scripts run in k6, not in Node.
    rule(
      'resolvable',
      'Every import leads somewhere.',
      { pathNot: '^benchmarks/k6/' },
      { couldNotResolve: true },
    ),

    rule(
      'ledger-is-pure',
      'The decision knows no I/O, no clock and no library; node:assert is the one exception, for our own bugs.',
      '^shared/ledger/',
      { pathNot: ['^shared/ledger/', '^(node:)?assert(/strict)?$'] },
    ),
    rule(
      'engine-knows-ports-only',
      'Below the engine is the ledger; beside it nothing.',
      '^shared/engine/',
      { path: '^(shared|services|scripts|benchmarks|test)/', pathNot: '^shared/(engine|ledger)/' },
    ),
    rule(
      'engine-knows-no-library',
      'The engine knows no driver and no framework; ids (uuid v7) are its only need.',
      '^shared/engine/',
      { path: '^node_modules/', pathNot: packages('uuid') },
    ),
    rule(
      'wire-stands-on-the-engine',
      'The JSON of the API knows neither stores nor queues.',
      '^shared/wire/',
      '^shared/(store|queue)/',
    ),
    rule(
      'store-stands-on-the-engine',
      'A store knows neither the JSON of the API nor queues.',
      '^shared/store/',
      '^shared/(wire|queue)/',
    ),
    rule(
      'queue-stands-on-the-engine',
      'A doorbell knows neither the JSON of the API nor stores.',
      '^shared/queue/',
      '^shared/(wire|store)/',
    ),
    rule('access-is-pure', 'Keys and roles know nobody who asks for them.', '^shared/access/', {
      path: '^(shared|services|scripts|benchmarks|test|node_modules)/',
      pathNot: '^shared/access/',
    }),
    rule(
      'config-and-log-stand-aside',
      'Everybody may be configured and may log; neither of the two knows whom.',
      '^shared/(config|log)\\.ts$',
      { path: '^shared/', pathNot: '^shared/(config|log)\\.ts$' },
    ),

    rule(
      'shared-knows-no-user',
      'What is shared does not know who uses it.',
      '^shared/',
      '^(services|scripts|benchmarks|test)/',
    ),
    rule(
      'services-know-no-bench',
      'What runs in production needs no script, benchmark or test.',
      '^services/',
      '^(scripts|benchmarks|test)/',
    ),
    rule(
      'scripts-know-no-service',
      'A script goes through the API or the store like everybody else.',
      '^scripts/',
      '^(services|benchmarks|test)/',
    ),
    rule('benchmarks-know-no-test', 'A benchmark is no test.', '^benchmarks/', '^test/'),
    rule(
      'api-and-worker-are-strangers',
      'Services never import each other; services/main.ts alone knows both. What they stand on is beside them.',
      { path: '^services/([^/]+)/' },
      { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    ),

    rule(
      'database-drivers-live-in-the-store',
      'Another store must be a change of one folder.',
      { pathNot: ['^shared/store/', OUTSIDE, '^node_modules/'] },
      { path: packages('pg', 'pg-.*', 'typeorm', 'better-sqlite3') },
    ),
    rule(
      'queue-drivers-live-in-the-queue',
      'Another queue must be a change of one folder.',
      { pathNot: ['^shared/queue/', OUTSIDE, '^node_modules/'] },
      { path: packages('bullmq', 'ioredis') },
    ),
    rule(
      'traces-live-in-one-place',
      'Who does not trace loads nothing of it, and another way of tracing is a change of one folder.',
      { pathNot: ['^shared/trace/', '^test/', '^node_modules/'] },
      { path: packages('@opentelemetry') },
    ),
    rule(
      'traces-are-loaded-when-wanted',
      'Without tracing nothing of it is loaded.',
      '^(services|shared)/',
      { path: '^shared/trace/open-telemetry', dynamic: false, dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'http-lives-in-the-api',
      'Another server framework must be a change of one folder.',
      { pathNot: ['^services/api/', OUTSIDE, '^node_modules/'] },
      { path: packages('fastify', '@fastify', 'fastify-.*') },
    ),
    rule(
      'production-needs-no-dev-dependency',
      'The image is built without them.',
      '^(services|shared)/',
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    // Type imports are arrows too. The parser is swc: TypeScript 7 has no compiler API to read them
    // with.
    tsPreCompilationDeps: true,
    parser: 'swc',
    doNotFollow: { path: '^node_modules/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.d.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
}
