import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** An import: who, and what; a file of ours by its path from the root, a library by its name. */
interface Import {
  from: string
  to: string
}

const sources = new Map(
  ['src', 'worker', 'launcher'].flatMap(folder =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map(file => path.posix.join(folder, file))
      .filter(file => file.endsWith('.ts') && !file.startsWith('src/db/generated/'))
      .map(file => [file, readFileSync(path.join(ROOT, file), 'utf8')] as const),
  ),
)

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`, `import('x')`; types too, for they tie files as well. */
const IMPORT = /(?:^(?:import|export)\s[^;'"]*?from\s+|^import\s+|\bimport\()'([^']+)'/gm

const imports: Import[] = [...sources].flatMap(([from, text]) =>
  [...text.matchAll(IMPORT)].map(([, to = '']) => ({
    from,
    to: to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to) : to,
  })),
)

/** The imports of `to` by those who match `from`, but for the exceptions. */
function find(from: RegExp, to: RegExp, allowed: RegExp = /^$/): string[] {
  return imports
    .filter(one => from.test(one.from) && to.test(one.to) && !allowed.test(one.from))
    .map(one => `${one.from} imports ${one.to}`)
}

/** The files that say something in their code, but for the exceptions. */
function findText(text: RegExp, allowed: RegExp): string[] {
  const codeOf = (source: string) => source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  return [...sources]
    .filter(([file, source]) => !allowed.test(file) && text.test(codeOf(source)))
    .map(([file]) => file)
}

describe('the import graph', () => {
  it('is read whole: every relative import is a file, and every kind of import is seen', () => {
    expect(sources.size).toBeGreaterThan(100)
    const missing = imports.filter(({ to }) => /^(src|worker|launcher)\//.test(to) && !sources.has(to))
    expect(missing.filter(({ to }) => !to.startsWith('src/db/generated/'))).toEqual([])
    expect(imports.filter(({ to }) => to.startsWith('..'))).toEqual([])
    const text = [
      "import a from 'one'",
      "import type {\n  B,\n} from 'two'",
      "export { c } from 'three'",
      "import 'four'",
      "  await import('five')",
    ].join('\n')
    expect([...text.matchAll(IMPORT)].map(match => match[1])).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  it('has no cycle', () => {
    const edges = new Map([...sources.keys()].map(file => [file, new Set<string>()]))
    for (const { from, to } of imports) if (sources.has(to)) edges.get(from)?.add(to)
    // Files that import nothing more are taken away until only cycles, and what leads to them, are left.
    for (let removed = true; removed; ) {
      removed = false
      for (const [file, targets] of edges) {
        if (targets.size > 0) continue
        edges.delete(file)
        for (const others of edges.values()) others.delete(file)
        removed = true
      }
    }
    expect([...edges].map(([file, targets]) => `${file} → ${[...targets].join(', ')}`)).toEqual([])
  })
})

describe('layers', () => {
  it.each([
    ['src never imports the worker or the launcher', /^src\//, /^(worker|launcher)\//],
    ['the worker never imports the launcher', /^worker\//, /^launcher\//],
    [
      'the worker knows nothing of HTTP',
      /^worker\//,
      /^(@?fastify|src\/(app\.ts|server\.ts|http\/)|.*routes\.ts)/,
    ],
    [
      'datasets know no other concept',
      /^src\/datasets\//,
      /^src\/(jobs|models|inference|metrics|operations)\//,
    ],
    [
      'models know no other concept but what columns are',
      /^src\/models\//,
      /^src\/(jobs|datasets\/(?!columns\.ts)|inference|metrics|operations)\//,
    ],
    [
      'preprocessing knows the content of datasets, and no other concept',
      /^src\/preprocessing\//,
      /^src\/(jobs|datasets\/(?!(columns|content)\.ts)|models|inference|metrics|operations)\//,
    ],
    ['jobs know datasets and models only', /^src\/jobs\//, /^src\/(inference|metrics|operations)\//],
    [
      'nobody knows batch predictions but the worker, and who puts the service together or takes work back',
      /^src\/(?!batch-predictions\/|app\.ts|queue\/dispatcher\.ts)/,
      /^src\/batch-predictions\//,
    ],
    [
      'uploads know no other concept',
      /^src\/uploads\//,
      /^src\/(jobs|models|datasets|inference|metrics|operations)\//,
    ],
    ['inference knows no jobs', /^src\/inference\//, /^src\/(jobs|metrics|operations)\//],
    ['drawing knows nothing but itself', /^src\/drawing\//, /^src\/(?!drawing\/)/],
    ['images know nothing but themselves', /^src\/images\//, /^src\/(?!(images\/|errors\.ts$))/],
    ['the mathematics know nothing but themselves', /^src\/mlp\//, /^src\/(?!mlp\/)/],
  ])('%s', (_, from, to) => {
    expect(sources.size).toBeGreaterThan([...sources.keys()].filter(file => from.test(file)).length)
    expect([...sources.keys()].some(file => from.test(file))).toBe(true)
    expect(find(from, to)).toEqual([])
  })

  it.each([
    /^src\/mlp\//,
    /^src\/preprocessing\//,
    /^src\/jobs\/lifecycle\.ts$/,
    /^src\/jobs\/resolve-spec\.ts$/,
    /^src\/datasets\/formats\/(idx\/read-idx|csv\/(read|scan|dialect).*|jsonl\/(read|scan|field).*)\.ts$/,
    /^src\/datasets\/formats\/parquet\/(?!parquet-files).*\.ts$/,
    /^src\/metrics\/evaluation-report\.ts$/,
    /^src\/errors\.ts$/,
  ])('%s is pure: it reaches no file, network, process, database or store', files => {
    expect([...sources.keys()].some(file => files.test(file))).toBe(true)
    const impure =
      /^(node:(fs|net|http|https|child_process|worker_threads)\b|src\/(db|storage|queue)\/(?!generated\/enums))/
    expect(find(files, impure)).toEqual([])
  })
})

describe('each library has one owner', () => {
  it.each([
    ['fastify', /^(fastify$|fastify\/|@fastify\/)/, /^src\/(app\.ts|server\.ts|http\/.*|.*\/routes\.ts)$/],
    ['the queue', /^(bullmq|ioredis)$/, /^src\/queue\//],
    [
      'Prisma',
      /^(@prisma\/|src\/db\/generated\/)/,
      /^src\/(db\/.*|.*\/([a-z]+-)?repository\.ts|jobs\/lifecycle\.ts)$/,
    ],
    ['TensorFlow.js', /^@tensorflow\//, /^worker\/engines\//],
    ['sharp', /^sharp$/, /^src\/images\/decode-image\.ts$/],
    ['yauzl', /^yauzl$/, /^src\/(datasets\/formats\/zip\/read-directory|models\/imports\/read-archive)\.ts$/],
    ['the SDK of S3', /^@aws-sdk\//, /^src\/storage\/s3\//],
    ['tus', /^@tus\//, /^src\/uploads\//],
    ['gRPC', /^@grpc\//, /^src\/inference\/open-inference\/grpc\//],
    ['prom-client', /^prom-client$/, /^src\/operations\/telemetry\.ts$/],
    ['the renderer of SVG', /^@resvg\//, /^src\/drawing\/render-svg\.ts$/],
    ['HDF5', /^h5wasm$/, /^src\/models\/(imports\/)?keras\//],
    ['Parquet', /^hyparquet(?!-writer)/, /^src\/datasets\/formats\/parquet\//],
    ['the writer of Parquet', /^hyparquet-writer$/, /^worker\/batch\/output-writer\.ts$/],
  ])('%s', (_, library, owners) => {
    expect(
      imports.some(({ to }) => library.test(to)),
      'somebody uses it',
    ).toBe(true)
    expect(find(/./, library, owners)).toEqual([])
  })

  it('HDF5 has no files but in memory: the build for Node.js would follow links into those of the machine', () => {
    expect(find(/./, /^h5wasm\//)).toEqual([])
  })

  it('of Prisma, the life of a job takes the types of the enums only', () => {
    expect(find(/^src\/jobs\/lifecycle\.ts$/, /^(@prisma|src\/db\/(?!generated\/enums\.ts))/)).toEqual([])
    expect(sources.get('src/jobs/lifecycle.ts')).toContain('import type { JobPhase, JobStatus }')
  })

  it('the environment is read at the edges only', () => {
    const owners = /^(src\/config\.ts|worker\/trainer-process\.ts|launcher\/.*)$/
    expect(findText(/process\.env\b/, /^$/)).toContain('src/config.ts')
    expect(findText(/process\.env\b/, owners)).toEqual([])
  })

  it('only entries end their process', () => {
    expect(findText(/process\.exit\(/, /^$/)).toContain('worker/trainer/main.ts')
    expect(findText(/process\.exit\(/, /^(worker\/(trainer|batch)\/main\.ts|launcher\/.*)$/)).toEqual([])
  })
})

it('no table of the database is written or read outside repositories', () => {
  const owners = /^src\/(db\/.*|.*\/([a-z]+-)?repository\.ts)$/
  const query = /\b(db|tx)\.[a-zA-Z]+\.(find|create|update|upsert|delete|count|aggregate|groupBy)/
  expect(findText(query, /^$/)).toContain('src/jobs/attempt-repository.ts')
  expect(findText(query, owners)).toEqual([])
})

it('every POST answers once for each Idempotency-Key', () => {
  const routes = [...sources].filter(([file]) => /^src\/.*routes\.ts$/.test(file))
  const counts = routes.map(
    ([file, source]) => [file, source.match(/\.post\(/g)?.length ?? 0, source] as const,
  )
  expect(counts.some(([, posts]) => posts > 0)).toBe(true)
  for (const [file, posts, source] of counts) {
    const kept = source.match(/answer(Pure)?Once[<(]|=> answer\(/g)?.length ?? 0
    expect(kept, file).toBeGreaterThanOrEqual(posts)
  }
})
