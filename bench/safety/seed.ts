import pg from 'pg'

/** How many rows of each. */
export interface SeedCounts {
  /** Jobs that have succeeded. */
  jobs: number
  epochsPerJob: number
}

/**
 * Fills the database with the history of a service that is years old: copies of a job, with epochs and events of their own. The
 * ids sort before those of any real job.
 * @param templateId - a job whose network and training the copies have
 * @returns the ids of some of them
 */
export async function seedHistory(
  databaseUrl: string,
  templateId: string,
  { jobs, epochsPerJob }: SeedCounts,
): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const id = `'job_01' || upper(lpad(to_hex(n), 24, '0'))`
  try {
    await client.query(
      `INSERT INTO jobs (id, name, model_name, dataset_id, dataset_sha256, network, training, preprocessing, metadata,
         parameter_count, status, attempt, epoch, epochs, step, steps, last_metrics, best_metrics, model_version,
         event_seq, engine, device, created_at, queued_at, started_at, finished_at)
       SELECT ${id}, name || '-' || n % 1000, model_name || '-' || n % 1000, dataset_id, dataset_sha256, network, training,
         preprocessing, jsonb_build_object('customer', 'customer-' || n % 1000), parameter_count, 'succeeded', 1, $2, $2,
         steps, steps, '{"loss": 0.1, "accuracy": 0.97}', '{"epoch": 9, "loss": 0.1}', 1 + n / 1000, 3, 'portable', 'cpu',
         now() - interval '1 year', now() - interval '1 year', now() - interval '1 year', now() - interval '1 year'
       FROM jobs, generate_series(1, $3::int) AS n WHERE id = $1`,
      [templateId, epochsPerJob, jobs],
    )
    await client.query(
      `INSERT INTO epochs (job_id, epoch, attempt, metrics, learning_rate, duration_ms, examples_per_second)
       SELECT ${id}, epoch, 1, jsonb_build_object('loss', 1.0 / epoch, 'accuracy', 0.9, 'valLoss', 1.1 / epoch), 0.001, 300, 2e5
       FROM generate_series(1, $1::int) AS n, generate_series(1, $2::int) AS epoch`,
      [jobs, epochsPerJob],
    )
    await client.query(
      `INSERT INTO job_events (job_id, id, type, data)
       SELECT ${id}, event, (ARRAY['job.queued', 'job.started', 'job.succeeded'])[event], '{}'
       FROM generate_series(1, $1::int) AS n, generate_series(1, 3) AS event`,
      [jobs],
    )
    await client.query('VACUUM ANALYZE')
    const { rows } = await client.query<{ id: string }>(
      `SELECT id FROM jobs WHERE id < 'job_011' ORDER BY random() LIMIT 200`,
    )
    return rows.map(row => row.id)
  } finally {
    await client.end()
  }
}
