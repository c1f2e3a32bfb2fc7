import { createDrawing } from './drawing.js'
import { encode } from './encode.js'
import { createForm } from './form.js'
import { applyTemperature, readWeights, runNetwork } from './network.js'

/** Classes that are shown at most. */
const CLASSES_MAX = 10

const model = JSON.parse(document.querySelector('#model').textContent)
const weights = readWeights(model.weights, model.variables)
const answer = document.querySelector('#answer')
const list = document.querySelector('#list')
const calibrated = document.querySelector('#calibrated')
calibrated.closest('label').hidden = model.temperature === null
let features = null

/** Answers what was drawn or filled in. */
function predict(now) {
  features = now
  if (features === null) return show(document.querySelector('#hint').textContent, [])
  const outputs = runNetwork(model, weights, encode(model, features))
  if (model.kind === 'regression') return showNumbers(outputs)
  const told = calibrated.checked ? applyTemperature(outputs, model.temperature) : outputs
  showClasses([...told])
}

function showNumbers(numbers) {
  const rows = [...numbers].map((number, index) => ({
    label: model.targets[index] ?? 'value',
    text: number.toLocaleString(undefined, { maximumSignificantDigits: 6 }),
  }))
  show(rows.map(({ label, text }) => `${label}: ${text}`).join(', '), rows)
}

function showClasses(probabilities) {
  const ranked = [...probabilities.entries()].sort(([, a], [, b]) => b - a)
  const labels =
    model.kind === 'multiLabel' ? ranked.filter(([, probability]) => probability >= 0.5) : ranked.slice(0, 1)
  const rows = ranked.slice(0, CLASSES_MAX).map(([index, probability]) => ({
    label: model.classes[index],
    text: percent(probability),
    part: probability,
  }))
  const named = labels.map(([index, probability]) => `${model.classes[index]} (${percent(probability)})`)
  show(named.join(', ') || 'none of the labels', rows)
}

function percent(probability) {
  return probability.toLocaleString(undefined, { style: 'percent', minimumFractionDigits: 1 })
}

function show(text, rows) {
  answer.textContent = text
  list.replaceChildren(
    ...rows.map(({ label, text, part }, index) => {
      const row = document.createElement('li')
      row.className = index === 0 ? 'best' : ''
      for (const [name, content] of [
        ['label', label],
        ['bar', ''],
        ['number', text],
      ]) {
        if (name === 'bar' && part === undefined) continue
        const cell = row.appendChild(Object.assign(document.createElement('span'), { className: name }))
        cell.textContent = content
        if (name === 'bar') cell.style.setProperty('--part', part)
      }
      return row
    }),
  )
}

calibrated.addEventListener('change', () => predict(features))
const isImage = model.shape.length === 3 && !model.columns && [1, 3, 4].includes(model.shape[2])
document.querySelector(isImage ? '#form' : '#drawing').remove()
document.querySelector('#hint').textContent = isImage ? 'Draw something.' : 'Fill in the numbers.'
if (isImage) createDrawing(document.querySelector('#drawing'), model, predict)
else createForm(document.querySelector('#form'), model, predict)
