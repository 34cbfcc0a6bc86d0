import { request } from '../thread.js'

function send(method, url, body, { headers } = {}) {
  const { status, headers: found, body: text, ms } = request(method, url, body, headers)
  return {
    status,
    headers: found,
    body: text,
    timings: { duration: ms },
    json: (member) => (member === undefined ? JSON.parse(text) : JSON.parse(text)[member]),
  }
}

// k6's own form: a module with one default export.
export default {
  get: (url, parameters) => send('GET', url, undefined, parameters),
  post: (url, body, parameters) => send('POST', url, body, parameters),
  batch: (requests) => requests.map((each) => send(...each)),
}
