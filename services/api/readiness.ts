/** Whether the process takes new work; off from the moment it is told to stop. */
export interface Readiness {
  stopping: boolean
}
