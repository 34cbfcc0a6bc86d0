/** What a page may load: what is served from here, and nothing from anywhere else. */
export const pagePolicy = [
  `default-src 'self'`,
  `img-src 'self' data: blob:`,
  `font-src 'self' data:`,
  `style-src 'self' 'unsafe-inline'`,
  `worker-src 'self' blob:`,
  `object-src 'none'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ')

/** The mark of the service: two sides that balance. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0f766e"/>' +
  '<path d="M3 5h10M5 8.5h2M5 11h2M9 8.5h2M9 11h2M8 5v8" stroke="#fff" stroke-width="1.4" fill="none"/></svg>'

/** The mark as an address that loads nothing. */
export const iconAddress = `data:image/svg+xml,${encodeURIComponent(icon)}`

/** A small page in the service's own dress. `body` is HTML. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title}</title>
    <link rel="icon" href="${iconAddress}">
    <style>
      :root {
        color-scheme: light dark;
        --ink: light-dark(#1c2430, #e6e9ee);
        --soft: light-dark(#5b6676, #9aa5b4);
        --line: light-dark(#dfe4ea, #323a46);
        --panel: light-dark(#f6f8fa, #1b2129);
        --paper: light-dark(#fff, #12161c);
        --accent: light-dark(#0f766e, #5eead4);
        font: 16px/1.55 system-ui, sans-serif;
      }
      body { max-width: 60rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; color: var(--ink); background: var(--paper) }
      h1 { margin: 0; font-size: 2rem; letter-spacing: -.02em }
      h2 { margin: 2.5rem 0 .75rem; font-size: 1.15rem }
      p { margin: .5rem 0 1.5rem; color: var(--soft) }
      a { color: var(--accent); text-underline-offset: .2em }
      code, pre { font: .875em/1.6 ui-monospace, monospace }
      pre { margin: 0; padding: 1rem 1.25rem; overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: .5rem }
      .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .75rem; padding: 0; margin: 0; list-style: none }
      .cards a { display: block; height: 100%; box-sizing: border-box; padding: .8rem 1rem; color: inherit; text-decoration: none; border: 1px solid var(--line); border-radius: .5rem }
      .cards a:hover { border-color: var(--accent) }
      .cards b { display: block; color: var(--accent) }
      .cards span { color: var(--soft); font-size: .9rem }
      table { border-collapse: collapse; width: 100%; font-size: .92rem }
      th { text-align: left; color: var(--soft); font-weight: 600 }
      th, td { vertical-align: top; padding: .5rem .9rem .5rem 0; border-bottom: 1px solid var(--line) }
      td small { display: block; color: var(--soft) }
      td:first-child { white-space: nowrap; font-weight: 600 }
      tr:target td { background: light-dark(#fff7d6, #3a3213) }
    </style>
  </head>
  <body>
    ${body}
  </body>
</html>
`
}

/** Makes text safe inside HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
