import type { Db } from '../../db/client.ts'
import { type AliasMove as MoveRow, Prisma } from '../../db/generated/client.ts'
import type { Actor } from '../lineage.ts'
import { toTraffic } from '../repository.ts'
import type { Gates } from './gates.ts'
import type { AliasGates, AliasMove, AliasState } from './schemas.ts'
import { type Allocation, mainVersion } from './state.ts'

/** The aliases of a model, by name. */
export async function listAliases(db: Db, name: string): Promise<AliasState[]> {
  const rows = await db.alias.findMany({
    where: { modelName: name },
    include: { shares: true },
    orderBy: { alias: 'asc' },
  })
  return rows.map(row => ({
    ...toTraffic(row),
    version: row.version,
    updatedAt: row.updatedAt.toISOString(),
  }))
}

/** Null when there is none. */
export async function findAlias(db: Db, name: string, alias: string): Promise<AliasState | null> {
  return (await listAliases(db, name)).find(one => one.alias === alias) ?? null
}

/** A move that is to be made. */
export interface NewMove {
  kind: AliasMove['kind']
  from: Allocation | null
  /** Null: the alias goes. */
  to: Allocation | null
  reason: string | null
  overridden: readonly string[]
  undoes: number | null
  by: Actor | null
}

/**
 * Changes an alias and writes it into its history; in a transaction that holds the lock of the model.
 * @returns the number of the move
 */
export async function writeMove(tx: Db, name: string, alias: string, move: NewMove): Promise<number> {
  const { from, to, by, kind, reason } = move
  const { id } = await tx.aliasMove.create({
    data: {
      modelName: name,
      alias,
      kind,
      reason,
      overridden: [...move.overridden],
      from: from ?? Prisma.DbNull,
      to: to ?? Prisma.DbNull,
      undoes: move.undoes,
      apiKeyId: by?.id ?? null,
      apiKeyName: by?.name ?? null,
    },
  })
  await tx.aliasTarget.deleteMany({ where: { modelName: name, alias } })
  if (to) {
    const state = { version: mainVersion(to), shadow: to.shadow, moveId: id, updatedAt: new Date() }
    await tx.alias.upsert({
      where: { modelName_alias: { modelName: name, alias } },
      create: { modelName: name, alias, ...state },
      update: state,
    })
    if (to.targets.length > 1) {
      await tx.aliasTarget.createMany({
        data: to.targets.map(target => ({ modelName: name, alias, ...target })),
      })
    }
  } else {
    await tx.alias.delete({ where: { modelName_alias: { modelName: name, alias } } })
  }
  return Number(id)
}

/** Newest first; one more than `limit`, when there are more. */
export async function listMoves(
  db: Db,
  name: string,
  alias: string,
  { limit, after }: { limit: number; after?: number | undefined },
): Promise<AliasMove[]> {
  const rows = await db.aliasMove.findMany({
    where: { modelName: name, alias, ...(after !== undefined && { id: { lt: after } }) },
    orderBy: { id: 'desc' },
    take: limit + 1,
  })
  return rows.map(toMove)
}

/** The newest move that is no rollback and was not taken back; null when there is none. */
export async function findMoveToUndo(db: Db, name: string, alias: string): Promise<AliasMove | null> {
  const [row] = await db.$queryRaw<{ id: bigint }[]>`
    SELECT id FROM alias_moves AS move
    WHERE model_name = ${name} AND alias = ${alias} AND kind <> 'rollback'
      AND NOT EXISTS (SELECT 1 FROM alias_moves WHERE undoes = move.id)
    ORDER BY id DESC LIMIT 1`
  return row ? toMove(await db.aliasMove.findUniqueOrThrow({ where: { id: row.id } })) : null
}

function toMove(row: MoveRow): AliasMove {
  return {
    id: Number(row.id),
    kind: row.kind as AliasMove['kind'], // a CHECK keeps it to these
    from: row.from as Allocation | null, // written by writeMove only
    to: row.to as Allocation | null,
    reason: row.reason,
    forced: row.overridden.length > 0,
    overridden: row.overridden,
    undoes: row.undoes === null ? null : Number(row.undoes),
    by: toActor(row),
    at: row.at.toISOString(),
  }
}

/** Null when the alias has no gates. */
export async function findGates(
  db: Db,
  name: string,
  alias: string,
): Promise<{ gates: Gates; wire: AliasGates } | null> {
  const row = await db.aliasGates.findUnique({ where: { modelName_alias: { modelName: name, alias } } })
  if (!row) return null
  const gates = row.gates as Gates // written by saveGates only
  return { gates, wire: { ...gates, by: toActor(row), updatedAt: row.updatedAt.toISOString() } }
}

/** Sets the gates of an alias, which need not exist yet. */
export async function saveGates(
  db: Db,
  name: string,
  alias: string,
  gates: Gates,
  by: Actor | null,
): Promise<void> {
  const data = { gates, apiKeyId: by?.id ?? null, apiKeyName: by?.name ?? null, updatedAt: new Date() }
  await db.aliasGates.upsert({
    where: { modelName_alias: { modelName: name, alias } },
    create: { modelName: name, alias, ...data },
    update: data,
  })
}

/** Does nothing where there are none. */
export async function deleteGates(db: Db, name: string, alias: string): Promise<void> {
  await db.aliasGates.deleteMany({ where: { modelName: name, alias } })
}

/** Who a key is; null for none. */
export async function findActor(db: Db, apiKeyId: string | null): Promise<Actor | null> {
  if (apiKeyId === null) return null
  return db.apiKey.findUnique({ where: { id: apiKeyId }, select: { id: true, name: true } })
}

function toActor(row: { apiKeyId: string | null; apiKeyName: string | null }): Actor | null {
  return row.apiKeyId === null ? null : { id: row.apiKeyId, name: row.apiKeyName ?? '' }
}
