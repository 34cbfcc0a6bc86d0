/** Shows what is going on, on stderr: on a terminal one line that counts the seconds, elsewhere a line for each step. */
export class Progress {
  readonly #live = process.stderr.isTTY
  #name = ''
  #begun = performance.now()
  #step = ''
  #ticking: NodeJS.Timeout | undefined

  /** Says something that stays. */
  say(line: string): void {
    this.#clear()
    process.stderr.write(`${line}\n`)
  }

  /** Says what is being done now. */
  readonly tell = (step: string): void => {
    this.#step = step
    if (this.#live) this.#draw()
    else this.say(`  ${this.#seconds()} ${this.#name} ${step}`)
  }

  /** From now on it is about this measurement. */
  begin(name: string): void {
    this.#name = name
    this.#begun = performance.now()
    if (this.#live) this.#ticking = setInterval(() => this.#draw(), 1000)
  }

  /** The measurement is over. */
  end(): void {
    clearInterval(this.#ticking)
    this.#clear()
    this.say(`  ${this.#seconds()} ${this.#name}: done`)
  }

  #draw(): void {
    this.#clear()
    process.stderr.write(`  ${this.#seconds()} ${this.#name} ${this.#step}`)
  }

  #clear(): void {
    if (this.#live) process.stderr.write('\r\u001b[2K')
  }

  #seconds(): string {
    return `${((performance.now() - this.#begun) / 1000).toFixed(0).padStart(4)} s`
  }
}
