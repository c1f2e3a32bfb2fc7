import { type DatasetContent, FEATURE_BYTES, featureCount } from '../content.ts'
import { labelWidth } from '../examples.ts'
import type { SplitBlock } from '../split-blocks.ts'
import { createRowHasher, type HashRow, joinHashers } from '../statistics/hash-row.ts'
import { hashText } from '../tables/hash-text.ts'

/**
 * Hashes examples by what they mean, so that they can be compared with those of another dataset: categories and
 * classes count by their names, for their numbers depend on what else there is, and columns in the order of their names.
 */
export function createMeaningHasher(meaning: DatasetContent): (block: SplitBlock) => HashRow {
  const featuresOf = createFeatureHasher(meaning)
  const labelsOf = createLabelHasher(meaning)
  return block => joinHashers(featuresOf(block), labelsOf(block))
}

type BlockHasher = (block: SplitBlock) => HashRow

function createFeatureHasher({ shape, dtype, columns }: DatasetContent): BlockHasher {
  const width = featureCount(shape)
  if (columns === null) return ({ features }) => createRowHasher(features, width * FEATURE_BYTES[dtype])
  const order = columns
    .map((column, index) => ({
      index,
      name: column.name,
      hashes: column.type === 'categorical' ? Float64Array.from(column.categories, hashText) : null,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return ({ features, rows }) => {
    const cells = new Float64Array(features.buffer, features.byteOffset, features.byteLength / 8)
    const ordered = new Float64Array(cells.length)
    order.forEach(({ index, hashes }, place) => {
      for (let row = 0; row < rows; row++) {
        const cell = cells[row * width + index] ?? 0
        ordered[row * width + place] = hashes === null ? cell : (hashes[cell] ?? Number.NaN)
      }
    })
    return createRowHasher(new Uint8Array(ordered.buffer), 8 * width)
  }
}

function createLabelHasher(meaning: DatasetContent): BlockHasher {
  if (meaning.task !== 'classification') {
    return ({ labels }) => createRowHasher(labels, 4 * labelWidth(meaning))
  }
  const hashes = Float64Array.from(meaning.classes, hashText)
  return ({ labels }) => {
    const classes = new Int32Array(labels.buffer, labels.byteOffset, labels.byteLength / 4)
    const named = Float64Array.from(classes, index => hashes[index] ?? 0)
    return createRowHasher(new Uint8Array(named.buffer), 8)
  }
}
