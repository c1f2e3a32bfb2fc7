/**
 * Ends the process in good order when the parent that forked it goes away, even by `kill -9`: the channel between
 * them closes. Does nothing in a process that was started by hand.
 */
export function endWithParent(): void {
  if (process.channel) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
