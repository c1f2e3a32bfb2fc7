import { AppError } from '../../errors.ts'
import { lockModel } from '../repository.ts'
import { type AliasCall, type AliasDeps, assertVersions, findAllocation } from './move-alias.ts'
import { findActor, findMoveToUndo, writeMove } from './repository.ts'

/**
 * Takes the last move of an alias back: the newest that was not taken back already, so that a second rollback goes
 * one move further. A deletion is taken back too. Gates are not asked: what was good before must be reachable at once.
 * @throws {AppError} MODEL_NOT_FOUND, ALIAS_NOT_FOUND, ROLLBACK_NOT_POSSIBLE when there was nothing before, or its versions are gone
 */
export async function rollBackAlias(
  { db }: Pick<AliasDeps, 'db'>,
  { name, alias, reason, apiKeyId }: AliasCall,
): Promise<void> {
  await db.$transaction(async tx => {
    await lockModel(tx, name)
    const undone = await findMoveToUndo(tx, name, alias)
    const from = await findAllocation(tx, name, alias)
    if (!undone && !from) throw new AppError('ALIAS_NOT_FOUND', `the model ${name} has no alias ${alias}`)
    if (!undone?.from) {
      const detail = `there must be a move to take back; the alias ${alias} was not moved before`
      throw new AppError('ROLLBACK_NOT_POSSIBLE', detail)
    }
    try {
      await assertVersions(tx, name, undone.from)
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause
      throw new AppError('ROLLBACK_NOT_POSSIBLE', `what was before must still be there; ${cause.message}`, {
        cause,
      })
    }
    await writeMove(tx, name, alias, {
      kind: 'rollback',
      from,
      to: undone.from,
      reason,
      overridden: [],
      undoes: undone.id,
      by: await findActor(tx, apiKeyId),
    })
  })
}
