// A form for tables, a field for each column that the model uses; or one for all numbers where they have no names.

/**
 * Makes the form of a model that takes no images.
 * @param {HTMLFormElement} form
 * @param {(features: (number | string | null)[] | null) => void} onChange - null: not enough is filled in
 */
export function createForm(form, { columns, shape }, onChange) {
  const fields = columns ? columns.map(createField) : [createNumbers(shape)]
  for (const { label } of fields) form.append(label)
  const change = () => onChange(columns ? fields.map(({ read }) => read()) : fields[0].read())
  form.addEventListener('input', change)
  form.addEventListener('submit', event => event.preventDefault())
  change()
}

function createField({ name, type, categories }) {
  if (type === 'categorical' || type === 'boolean') {
    const options = type === 'boolean' ? ['no', 'yes'] : categories
    const select = element('select', {})
    select.append(element('option', { value: '', textContent: '(missing)' }))
    options.forEach((option, index) => {
      select.append(element('option', { value: String(index), textContent: option, selected: index === 0 }))
    })
    const meaning = index => (type === 'boolean' ? index : categories[index])
    return labelled(name, select, () => (select.value === '' ? null : meaning(Number(select.value))))
  }
  if (type === 'datetime') {
    const input = element('input', { type: 'datetime-local', step: '60' })
    return labelled(`${name} (UTC)`, input, () => (input.value === '' ? null : Date.parse(`${input.value}Z`)))
  }
  const input = element('input', { type: 'number', step: 'any', placeholder: '(missing)' })
  return labelled(name, input, () => (input.value === '' ? null : Number(input.value)))
}

function createNumbers(shape) {
  const count = shape.reduce((product, length) => product * length, 1)
  const area = element('textarea', {
    rows: 6,
    placeholder: `${count} numbers, with commas or spaces between them`,
  })
  return labelled(`${count} features`, area, () => {
    const numbers = area.value
      .split(/[\s,;[\]]+/)
      .filter(Boolean)
      .map(Number)
    return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null
  })
}

function labelled(text, field, read) {
  const label = element('label', {})
  label.append(element('span', { textContent: text }), field)
  return { label, read }
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties)
}
