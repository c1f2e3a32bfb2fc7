// node scripts/make-houses.mjs [file]: 2,000 invented houses as people keep them, for docs/tutorials/tables.md: cells that
// are missing, words for numbers that are not known, a date, an id, a column that says the same everywhere. Seeded.
import { writeFileSync } from 'node:fs'

const [file = 'houses.csv'] = process.argv.slice(2)
let state = 7
/** @see Steele & Vigna (2021), "Computationally easy, spectrally good multipliers": a linear congruential generator */
const random = () => {
  state = (Math.imul(state, 0x915f77f5) + 12345) >>> 0
  return state / 2 ** 32
}
const pick = (...values) => values[Math.floor(random() * values.length)]
const noise = () => random() + random() + random() - 1.5

const DISTRICTS = { Harbour: 900, Mill: 600, 'Old Town, North': 1200, Meadow: 400 }
const rows = Array.from({ length: 2_000 }, (_, index) => {
  const district = pick(...Object.keys(DISTRICTS))
  const area = Math.round(45 + random() * 160)
  const rooms = Math.max(1, Math.round(area / 28 + noise()))
  const year = 1900 + Math.floor(random() * 124)
  const heating = pick('gas', 'district', 'pump', 'oil')
  const hasGarden = random() < 0.4
  const sold = new Date(
    Date.UTC(2019 + Math.floor(random() * 6), Math.floor(random() * 12), 1 + Math.floor(random() * 28)),
  )
  const price =
    area * (1_500 + DISTRICTS[district]) +
    rooms * 6_000 +
    (year - 1900) * 350 +
    (hasGarden ? 25_000 : 0) +
    (heating === 'oil' ? -15_000 : 0) +
    noise() * 12_000
  const cells = [
    `H-${String(index + 1).padStart(5, '0')}`,
    random() < 0.04 ? '' : area,
    random() < 0.03 ? 'n/a' : rooms,
    random() < 0.08 ? '' : year,
    district.includes(',') ? `"${district}"` : district,
    heating,
    hasGarden ? 'yes' : 'no',
    sold.toISOString().slice(0, 10),
    'EUR',
    Math.round(price),
  ]
  return cells.join(',')
})
writeFileSync(file, `id,area,rooms,built,district,heating,garden,sold,currency,price\n${rows.join('\n')}\n`)
