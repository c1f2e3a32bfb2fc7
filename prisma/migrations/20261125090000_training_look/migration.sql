-- Figures about the training split of a dataset, found at the first request for them and then kept.
-- AlterTable
ALTER TABLE "datasets" ADD COLUMN "training_look" JSONB;
