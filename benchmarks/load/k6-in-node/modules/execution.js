import { iterationInTest } from '../thread.js'

// k6's own form: a module with one default export.
export default {
  scenario: {
    get iterationInTest() {
      return iterationInTest
    },
  },
}
