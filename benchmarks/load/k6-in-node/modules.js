// Leads the imports of k6's modules to ours.
const standIns = {
  k6: 'k6.js',
  'k6/data': 'data.js',
  'k6/execution': 'execution.js',
  'k6/http': 'http.js',
  'k6/metrics': 'metrics.js',
}

/** A hook of Node's module loader. */
export async function resolve(specifier, context, next) {
  const standIn = standIns[specifier]
  if (standIn === undefined) return next(specifier, context)
  return { url: new URL(`./modules/${standIn}`, import.meta.url).href, shortCircuit: true }
}
