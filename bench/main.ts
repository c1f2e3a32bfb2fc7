import { benchCost } from './cost/measure.ts'
import { benchArchives } from './data/archives/measure.ts'
import { benchData } from './data/compare.ts'
import { benchExports } from './exports/measure.ts'
import { benchSafety } from './safety/measure.ts'
import { benchService } from './service.ts'
import { benchServing } from './serving/compare.ts'
import { benchTables } from './tables/compare.ts'
import { benchTraining } from './training/compare.ts'

/**
 * `npm run bench`: everything; `npm run bench -- training|cost|service|serving|safety|exports|data|tables [options]`: one of them.
 * Figures are of this machine at this moment; docs/performance.md keeps those of a named one.
 */
const BENCHMARKS: Record<string, (args: string[]) => Promise<void>> = {
  training: benchTraining,
  cost: benchCost,
  service: benchService,
  serving: benchServing,
  safety: benchSafety,
  exports: benchExports,
  data: async args => {
    await benchData(args)
    await benchArchives(args)
  },
  tables: benchTables,
}

const [name, ...args] = process.argv.slice(2)
const chosen = name === undefined ? Object.values(BENCHMARKS) : [BENCHMARKS[name]]
for (const bench of chosen) {
  if (!bench) throw new Error(`the benchmarks are ${Object.keys(BENCHMARKS).join(', ')}; received ${name}`)
  await bench(args)
}
process.exit(0)
