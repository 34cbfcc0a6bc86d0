const openedTogether = 50

/** Opens accounts without floor, in USD, through the API and gives their ids. */
export async function openAccounts(address: string, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const size = Math.min(openedTogether, count - ids.length)
    ids.push(...(await Promise.all(Array.from({ length: size }, () => openAccount(address)))))
  }
  return ids
}

async function openAccount(address: string): Promise<string> {
  const response = await fetch(`${address}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', account_type: 'asset', currency: 'USD' }),
  })
  if (response.status !== 201) throw new Error(`an account was not opened: ${response.status}`)
  return ((await response.json()) as { id: string }).id
}
