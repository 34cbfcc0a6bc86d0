/**
 * The end of a lookup of one account by its key, which finds it at once however many versions of it are kept beside it.
 *
 * While somebody's snapshot is open, an account that moves leaves a version at each batch, and the index an entry for each. Entries of one
 * key lie in the order of their places, and new versions come behind, so that a scan from the front meets all dead ones before the one
 * that lives; this one comes from the back. It is asked for as a range, since the order of an equality is no order to the planner.
 */
export function newestAccount(id: string): string {
  return `from accounts
                 where ledger_id = $1 and id >= ${id} and id <= ${id}
                 order by id desc limit 1`
}
