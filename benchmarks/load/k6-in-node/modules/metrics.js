import { count, times } from '../thread.js'

/** A number that is added to. */
export class Counter {
  constructor(name) {
    this.name = name
  }

  add(number) {
    count(this.name, number)
  }
}

/** Times that are kept. */
export class Trend {
  constructor(name) {
    this.name = name
  }

  add(time) {
    const kept = (times[this.name] ??= [])
    kept.push(time)
  }
}
