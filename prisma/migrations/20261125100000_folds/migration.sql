-- The fold that an epoch was validated on. Null: the job has no folds, or the fit makes its model.
ALTER TABLE "epochs" ADD COLUMN "fold" INTEGER;
ALTER TABLE "epochs" ADD CONSTRAINT "epochs_fold_is_counted" CHECK ("fold" >= 1);
