import { AppError } from '../../errors.ts'
import { lockModel } from '../repository.ts'
import { type AliasCall, type AliasDeps, findAllocation } from './move-alias.ts'
import { findActor, writeMove } from './repository.ts'

/** Removes an alias; its history and its gates stay. @throws {AppError} ALIAS_NOT_FOUND */
export async function deleteAlias(
  { db }: Pick<AliasDeps, 'db'>,
  { name, alias, reason, apiKeyId }: AliasCall,
): Promise<void> {
  await db.$transaction(async tx => {
    await lockModel(tx, name)
    const from = await findAllocation(tx, name, alias)
    if (!from) throw new AppError('ALIAS_NOT_FOUND', `the model ${name} has no alias ${alias}`)
    const by = await findActor(tx, apiKeyId)
    await writeMove(tx, name, alias, {
      kind: 'delete',
      from,
      to: null,
      reason,
      overridden: [],
      undoes: null,
      by,
    })
  })
}
