-- What the examples of a dataset are to teach, and what the columns of a table are.
ALTER TABLE "datasets"
  ADD COLUMN "task" TEXT NOT NULL DEFAULT 'classification',
  ADD COLUMN "targets" TEXT[],
  ADD COLUMN "columns" JSONB,
  ADD COLUMN "warnings" TEXT[];

ALTER TABLE "datasets"
  ADD CONSTRAINT "datasets_task_known" CHECK ("task" IN ('classification', 'multiLabel', 'regression'));

-- Reports of all tasks say which they are of.
UPDATE "jobs" SET "evaluation" = "evaluation" || '{"task": "classification"}' WHERE jsonb_typeof("evaluation") = 'object';
