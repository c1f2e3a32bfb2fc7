-- A job may begin with the weights of a version, and some of its layers may be frozen.
ALTER TABLE "jobs" ADD COLUMN "base_model" JSONB,
ADD COLUMN "trainable_parameter_count" INTEGER;

-- A version may come from a file instead of a job and a dataset.
ALTER TABLE "model_versions" ALTER COLUMN "job_id" DROP NOT NULL,
ALTER COLUMN "dataset_id" DROP NOT NULL,
ALTER COLUMN "dataset_sha256" DROP NOT NULL;

-- What must never be. Prisma's schema cannot say it.
ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_base_model_names_a_version"
    CHECK ("base_model" ?& ARRAY['name', 'version', 'layers', 'takenLayers', 'newLayers']),
  ADD CONSTRAINT "jobs_trainable_parameters" CHECK ("trainable_parameter_count" BETWEEN 1 AND "parameter_count");

ALTER TABLE "model_versions"
  ADD CONSTRAINT "model_versions_origin"
    CHECK (("job_id" IS NULL) = ("dataset_id" IS NULL) AND ("job_id" IS NULL) = ("dataset_sha256" IS NULL));
