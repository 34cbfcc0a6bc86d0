/**
 * The end of a lookup of the row whose `column` is `value`, which has one plan: through the index over the ledger and that column.
 *
 * Every index begins with the ledger. While a ledger is small and was never analysed, its rows through any of them are taken to be one,
 * so that looking for a key among all rows costs what its own index costs, less a page if the other index is not as high yet. Such a plan was
 * made in a fifth of the second after the first payments, and kept: 2,178 rows of the ledger a key, batches of a hundred in 2 to 5 s. Only
 * its own index gives a range in its order without a sort, and sorts are off where plans are kept; of an equality the planner sees no order.
 */
export function oneByKey(column: string, value: string): string {
  return `where ledger_id = $1 and ${column} >= ${value} and ${column} <= ${value}
                 order by ${column} limit 1`
}
