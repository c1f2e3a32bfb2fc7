import { readFile } from 'node:fs/promises'
import { placeLayers } from '../../mlp/network.ts'
import { createEncoder } from '../../preprocessing/encoder.ts'
import { bytesOf, type ExportedModel } from '../exports/exported-model.ts'
import { usedColumns } from '../exports/used-columns.ts'

/** The scripts of the page, each after those it imports. */
const SCRIPTS = ['network.js', 'encode.js', 'drawing.js', 'form.js', 'page.js']

/** What the page is filled in at. */
const PLACES =
  /MODEL_TITLE|MODEL_SUMMARY|<link rel="stylesheet"[^>]*>|id="model">null<|<script type="module"[^>]*><\/script>/g

/**
 * A model as one HTML page that runs it, and needs no network: a canvas to draw on for images, a form for tables.
 * @returns the text of the page
 */
export async function writePage(model: ExportedModel): Promise<string> {
  const read = (file: string) => readFile(new URL(`./page/${file}`, import.meta.url), 'utf8')
  const [template, style, ...scripts] = await Promise.all(['index.html', 'page.css', ...SCRIPTS].map(read))
  const data = JSON.stringify(describePageModel(model)).replaceAll('<', '\\u003c') // no end tag within it
  const parts = new Map([
    ['MODEL_TITLE', escapeHtml(`${model.name}, version ${model.version}`)],
    ['MODEL_SUMMARY', escapeHtml(summarize(model))],
    ['<link rel="stylesheet" href="page.css">', `<style>${style}</style>`],
    ['id="model">null<', `id="model">${data}<`],
    [
      '<script type="module" src="page.js"></script>',
      `<script type="module">${scripts.map(toClassic).join('\n')}</script>`,
    ],
  ])
  return (template ?? '').replace(PLACES, place => parts.get(place) ?? place)
}

/** What the scripts of the page are given. */
function describePageModel({ name, version, manifest, weights }: ExportedModel) {
  const { kind, classes, targets = [], preprocessing, calibration, network, input } = manifest
  const { inputUnits } = createEncoder(preprocessing, input.columns ?? null, input.shape)
  const columns = usedColumns(manifest)
  const { target, ...features } = preprocessing
  const arrays = manifest.weights.map(({ name }) => bytesOf(weights.get(name) ?? new Float32Array()))
  return {
    name,
    version,
    kind,
    classes,
    targets,
    shape: input.shape,
    preprocessing: columns ? {} : features,
    columns:
      columns?.map(column => ({ ...column, ...categoriesOf(input.columns ?? [], column.name) })) ?? null,
    target: target ?? null,
    temperature: calibration?.temperature ?? null,
    layers: placeLayers(network, inputUnits).map(({ layer, name }) => ({ ...layer, name })),
    variables: manifest.weights,
    weights: Buffer.concat(arrays).toString('base64'),
  }
}

function categoriesOf(
  columns: readonly { name: string }[],
  name: string,
): { categories?: readonly string[] } {
  const column = columns.find(column => column.name === name)
  return column && 'categories' in column ? { categories: column.categories as string[] } : {}
}

function summarize({ manifest: { kind, classes, parameterCount } }: ExportedModel): string {
  const numbers = `A model of ${parameterCount.toLocaleString('en')} parameters`
  return kind === 'regression' ? `${numbers}.` : `${numbers} that knows ${classes.length} classes.`
}

/** A module as part of one script: its imports stand before it. */
function toClassic(module: string): string {
  return module.replace(/^import .*\n/gm, '').replace(/^export /gm, '')
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, character => entities[character] ?? character)
}
