-- AlterTable
ALTER TABLE "jobs" ADD COLUMN "api_key_id" TEXT;

-- AlterTable
ALTER TABLE "models" ADD COLUMN "description" TEXT NOT NULL DEFAULT '',
ADD COLUMN "tags" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- AlterTable
ALTER TABLE "model_versions" ADD COLUMN "description" TEXT NOT NULL DEFAULT '',
ADD COLUMN "lineage" JSONB,
ADD COLUMN "outcomes" TEXT,
ADD COLUMN "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN "temperature" DOUBLE PRECISION;

-- AlterTable
ALTER TABLE "aliases" ADD COLUMN "move_id" BIGINT,
ADD COLUMN "shadow" INTEGER;

-- CreateTable
CREATE TABLE "alias_targets" (
    "model_name" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "weight" INTEGER NOT NULL,

    CONSTRAINT "alias_targets_pkey" PRIMARY KEY ("model_name","alias","version")
);

-- CreateTable
CREATE TABLE "alias_moves" (
    "id" BIGSERIAL NOT NULL,
    "model_name" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "from" JSONB,
    "to" JSONB,
    "reason" TEXT,
    "overridden" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "undoes" BIGINT,
    "api_key_id" TEXT,
    "api_key_name" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alias_moves_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "alias_gates" (
    "model_name" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "gates" JSONB NOT NULL,
    "api_key_id" TEXT,
    "api_key_name" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alias_gates_pkey" PRIMARY KEY ("model_name","alias")
);

-- CreateTable
CREATE TABLE "alias_traffic" (
    "model_name" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "move_id" BIGINT NOT NULL,
    "version" INTEGER NOT NULL,
    "role" TEXT NOT NULL,
    "requests" BIGINT NOT NULL DEFAULT 0,
    "predictions" BIGINT NOT NULL DEFAULT 0,
    "failures" BIGINT NOT NULL DEFAULT 0,
    "compared" BIGINT NOT NULL DEFAULT 0,
    "agreed" BIGINT NOT NULL DEFAULT 0,
    "dropped" BIGINT NOT NULL DEFAULT 0,
    "latency_seconds" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "latencies" BIGINT[],
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "alias_traffic_pkey" PRIMARY KEY ("model_name","alias","move_id","version","role")
);

-- CreateIndex
CREATE INDEX "alias_moves_model_name_alias_id_idx" ON "alias_moves"("model_name", "alias", "id" DESC);

-- CreateIndex
CREATE INDEX "models_tags_idx" ON "models" USING GIN ("tags");

-- AddForeignKey
ALTER TABLE "aliases" ADD CONSTRAINT "aliases_model_name_shadow_fkey" FOREIGN KEY ("model_name", "shadow") REFERENCES "model_versions"("model_name", "version") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alias_targets" ADD CONSTRAINT "alias_targets_model_name_alias_fkey" FOREIGN KEY ("model_name", "alias") REFERENCES "aliases"("model_name", "alias") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alias_targets" ADD CONSTRAINT "alias_targets_model_name_version_fkey" FOREIGN KEY ("model_name", "version") REFERENCES "model_versions"("model_name", "version") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alias_moves" ADD CONSTRAINT "alias_moves_model_name_fkey" FOREIGN KEY ("model_name") REFERENCES "models"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alias_gates" ADD CONSTRAINT "alias_gates_model_name_fkey" FOREIGN KEY ("model_name") REFERENCES "models"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "alias_traffic" ADD CONSTRAINT "alias_traffic_model_name_fkey" FOREIGN KEY ("model_name") REFERENCES "models"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- What must never be. Prisma's schema cannot say it.
ALTER TABLE "model_versions"
  ADD CONSTRAINT "model_versions_outcomes" CHECK ("outcomes" ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT "model_versions_temperature" CHECK ("temperature" > 0);

ALTER TABLE "aliases" ADD CONSTRAINT "aliases_shadow_is_another" CHECK ("shadow" <> "version");

ALTER TABLE "alias_targets" ADD CONSTRAINT "alias_targets_weight" CHECK ("weight" BETWEEN 1 AND 1000000);

ALTER TABLE "alias_moves"
  ADD CONSTRAINT "alias_moves_kind" CHECK ("kind" IN ('set', 'rollback', 'delete')),
  ADD CONSTRAINT "alias_moves_rollback_names_a_move" CHECK (("kind" = 'rollback') = ("undoes" IS NOT NULL)),
  ADD CONSTRAINT "alias_moves_delete_leaves_nothing" CHECK ("kind" <> 'delete' OR "to" IS NULL);

-- A move is taken back once.
CREATE UNIQUE INDEX "alias_moves_undoes_key" ON "alias_moves" ("undoes");

ALTER TABLE "alias_traffic"
  ADD CONSTRAINT "alias_traffic_role" CHECK ("role" IN ('answer', 'shadow')),
  ADD CONSTRAINT "alias_traffic_not_negative" CHECK ("requests" >= 0 AND "predictions" >= 0 AND "failures" >= 0
    AND "compared" >= "agreed" AND "agreed" >= 0 AND "dropped" >= 0 AND "latency_seconds" >= 0);
