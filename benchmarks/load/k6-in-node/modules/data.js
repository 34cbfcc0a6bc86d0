/** Makes an array; here each user has one of its own. */
export function SharedArray(_name, make) {
  return make()
}
