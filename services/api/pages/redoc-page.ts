import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { iconAddress } from './page.ts'

const require = createRequire(import.meta.url)

/** ReDoc over the API's own document, from a bundle served here. */
export const redocPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>LedgerFlow API</title>
    <link rel="icon" href="${iconAddress}">
    <style>body { margin: 0 }</style>
  </head>
  <body>
    <redoc spec-url="/openapi.json"></redoc>
    <script src="/redoc/redoc.standalone.js"></script>
  </body>
</html>
`

/** An image of one transparent pixel. */
const nothing = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='

/** The script of the page. As it comes, it loads a logo from its maker's network; nothing here calls elsewhere. */
export function redocScript(): string {
  const script = readFileSync(require.resolve('redoc/bundles/redoc.standalone.js'), 'utf8')
  return script.replaceAll('https://cdn.redoc.ly/redoc/logo-mini.svg', nothing)
}
