/** Milliseconds that the runner waits between SIGINT and SIGTERM (actions/runner, `ProcessInvoker`). */
export const runnersPatience = 7500;
