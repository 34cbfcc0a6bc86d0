import { openStore } from '../../shared/store/open.ts'

/**
 * Brings the run's template database, empty when this is called, to the state every test file's copy of it starts from: fully
 * migrated. Called once a run by the global setup with a superuser's URL. Closes what it opens: a database somebody is
 * connected to cannot be copied.
 */
export async function prepareTemplate(url: string): Promise<void> {
  const { store } = await openStore({ dialect: 'postgres', url })
  await store.close()
}
