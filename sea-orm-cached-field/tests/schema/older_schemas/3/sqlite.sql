CREATE TABLE "city" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar NOT NULL, "mayor" varchar );
CREATE TABLE "lamppost" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "first_name" varchar NOT NULL, "note" varchar, "city_id" integer, "cached_full_name" varchar, "full_name_recalculation_needed" boolean NOT NULL DEFAULT TRUE, "full_name_expires_after" timestamp_with_timezone_text, FOREIGN KEY ("city_id") REFERENCES "city" ("id") );
CREATE TABLE "pigeon" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "weight_in_g" integer NOT NULL, "colour" varchar, "ring" varchar UNIQUE, "lamppost_id" integer, FOREIGN KEY ("lamppost_id") REFERENCES "lamppost" ("id") ON DELETE CASCADE ON UPDATE CASCADE );
CREATE TABLE "plaque" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "text" varchar NOT NULL, "lamppost_id" integer NOT NULL UNIQUE, FOREIGN KEY ("lamppost_id") REFERENCES "lamppost" ("id") ON DELETE CASCADE );
CREATE TABLE "_lamppost_cached_marks" /* sea-orm-cached-field "lamppost" 3.16bf8ab6 */ (
  id INTEGER PRIMARY KEY,
  field TEXT NOT NULL,
  key_1 INTEGER,
  eager INTEGER, -- NULL: as the field is set
  marked_at INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  after_key_1 INTEGER,
  to_key_1 INTEGER
);
CREATE TABLE "_lamppost_cached_recalculations" /* sea-orm-cached-field "lamppost" 3.d74c7de7 */ (
  key_1 INTEGER NOT NULL,
  field TEXT NOT NULL,
  generation INTEGER NOT NULL,
  due_at INTEGER DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  leased_until INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  waves INTEGER NOT NULL DEFAULT 0, -- negative: held back since then
  last_error TEXT,
  queued_at INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  PRIMARY KEY (key_1, field)
) WITHOUT ROWID;
CREATE TABLE "_lamppost_cached_versions" /* sea-orm-cached-field "lamppost" 3.cb649b0f */ (
  field TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT,
  kept_by TEXT,
  renewal INTEGER, -- not NULL: rows have yet to be flagged
  declared_by TEXT
);
CREATE TABLE "measure" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "inches" integer NOT NULL, "cached_length" varchar, "length_recalculation_needed" boolean NOT NULL DEFAULT TRUE );
CREATE TABLE "_measure_cached_marks" /* sea-orm-cached-field "measure" 3.8ca3cf52 */ (
  id INTEGER PRIMARY KEY,
  field TEXT NOT NULL,
  key_1 INTEGER,
  eager INTEGER, -- NULL: as the field is set
  marked_at INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  after_key_1 INTEGER,
  to_key_1 INTEGER
);
CREATE TABLE "_measure_cached_recalculations" /* sea-orm-cached-field "measure" 3.1f20556b */ (
  key_1 INTEGER NOT NULL,
  field TEXT NOT NULL,
  generation INTEGER NOT NULL,
  due_at INTEGER DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  leased_until INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  waves INTEGER NOT NULL DEFAULT 0, -- negative: held back since then
  last_error TEXT,
  queued_at INTEGER NOT NULL DEFAULT (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)),
  PRIMARY KEY (key_1, field)
) WITHOUT ROWID;
CREATE TABLE "_measure_cached_versions" /* sea-orm-cached-field "measure" 3.898eb7bb */ (
  field TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT,
  kept_by TEXT,
  renewal INTEGER, -- not NULL: rows have yet to be flagged
  declared_by TEXT
);
INSERT INTO "city" VALUES (1,'Roma',NULL);
INSERT INTO "lamppost" VALUES (1,'Ada',NULL,NULL,'Ada of nowhere, 1 pigeons of 300, -',1,NULL);
INSERT INTO "lamppost" VALUES (2,'Bea',NULL,NULL,'Bob of nowhere, 1 pigeons of 300, -',1,NULL);
INSERT INTO "lamppost" VALUES (3,'Cyd',NULL,NULL,'Cyd of nowhere, 1 pigeons of 300, -',1,NULL);
INSERT INTO "lamppost" VALUES (4,'Dan',NULL,NULL,'Dan of nowhere, 1 pigeons of 300, -',1,NULL);
INSERT INTO "lamppost" VALUES (5,'Eve',NULL,1,'Eve of Rome, 1 pigeons of 300, -',1,NULL);
INSERT INTO "pigeon" VALUES (1,500,NULL,NULL,1);
INSERT INTO "pigeon" VALUES (2,300,NULL,NULL,2);
INSERT INTO "pigeon" VALUES (3,400,NULL,NULL,3);
INSERT INTO "pigeon" VALUES (4,400,NULL,NULL,4);
INSERT INTO "pigeon" VALUES (5,300,NULL,NULL,5);
INSERT INTO "_lamppost_cached_marks" VALUES (1,'full_name',2,NULL,1796083234314,NULL,NULL);
INSERT INTO "_lamppost_cached_marks" VALUES (2,'full_name',1,NULL,1796083234320,NULL,NULL);
INSERT INTO "_lamppost_cached_marks" VALUES (3,'full_name',5,NULL,1796083234321,NULL,NULL);
INSERT INTO "_lamppost_cached_recalculations" VALUES (3,'full_name',1000,NULL,0,9,0,'broken',1796083234308);
INSERT INTO "_lamppost_cached_recalculations" VALUES (4,'full_name',1001,1796083234312,0,1,0,NULL,1796083234312);
INSERT INTO "_lamppost_cached_versions" VALUES ('full_name',0,'"cached_full_name"
"city"("id" = "city_id")
"city"("id" = "city_id") "name"
"city_id"
"first_name"
"pigeon"("lamppost_id" = "id")
"pigeon"("lamppost_id" = "id") "weight_in_g"
"plaque"("lamppost_id" = "id")
"plaque"("lamppost_id" = "id") "text"','table "_lamppost_cached_marks"
table "_lamppost_cached_recalculations"
table "_lamppost_cached_versions"
trigger "zz_cached_field_lamppost_ad_city__id__city_id_8bd6cb34"
trigger "zz_cached_field_lamppost_ad_pigeon__lamppost_id__id_08f01a64"
trigger "zz_cached_field_lamppost_ad_plaque__lamppost_id__id_b5f21b6a"
trigger "zz_cached_field_lamppost_ai_236b7217"
trigger "zz_cached_field_lamppost_ai_city__id__city_id_c5da8757"
trigger "zz_cached_field_lamppost_ai_pigeon__lamppost_id__id_2b5333c3"
trigger "zz_cached_field_lamppost_ai_plaque__lamppost_id__id_29342e45"
trigger "zz_cached_field_lamppost_au0_city__id__city_id_143e0271"
trigger "zz_cached_field_lamppost_au0_pigeon__lamppost_id__id_1c6dbb91"
trigger "zz_cached_field_lamppost_au0_plaque__lamppost_id__id_f99f5edf"
trigger "zz_cached_field_lamppost_bi0_city__id__city_id_54c51298"
trigger "zz_cached_field_lamppost_bi0_pigeon__lamppost_id__id_9b3c79f8"
trigger "zz_cached_field_lamppost_bi0_plaque__lamppost_id__id_4f0d7c76"
trigger "zz_cached_field_lamppost_bi1_pigeon__lamppost_id__id_50d3c123"
trigger "zz_cached_field_lamppost_bi1_plaque__lamppost_id__id_edaca325"
trigger "zz_cached_field_lamppost_bu0_city__id__city_id_108bb08c"
trigger "zz_cached_field_lamppost_bu0_pigeon__lamppost_id__id_ed9c211c"
trigger "zz_cached_field_lamppost_bu0_plaque__lamppost_id__id_6b41f662"
trigger "zz_cached_field_lamppost_bu1_pigeon__lamppost_id__id_06237087"
trigger "zz_cached_field_lamppost_bu1_plaque__lamppost_id__id_6949b2c1"
trigger "zz_cached_field_lamppost_flagged_86f780f9"
trigger "zz_cached_field_lamppost_full_name_guard_65a89fec"
trigger "zz_cached_field_lamppost_full_name_own_064e1b11"
trigger "zz_cached_field_lamppost_full_name_reflagged_b2f03e74"',NULL,'schema');
INSERT INTO "measure" VALUES (1,1,'1 inches',0);
INSERT INTO "_measure_cached_versions" VALUES ('length',1,'"cached_length"
"inches"','table "_measure_cached_marks"
table "_measure_cached_recalculations"
table "_measure_cached_versions"
trigger "zz_cached_field_measure_ai_665bc2b1"
trigger "zz_cached_field_measure_flagged_4ab8245b"
trigger "zz_cached_field_measure_length_guard_c140dc8d"
trigger "zz_cached_field_measure_length_own_31d0de78"
trigger "zz_cached_field_measure_length_reflagged_1a6500c5"',NULL,'schema');
CREATE INDEX "_lamppost_cached_marks_key" ON "_lamppost_cached_marks" /* sea-orm-cached-field "lamppost" 60be4438 */ (key_1, field);
CREATE INDEX "_lamppost_cached_recalculations_due" ON "_lamppost_cached_recalculations" /* sea-orm-cached-field "lamppost" 7ecc05aa */ (due_at);
CREATE INDEX "lamppost_cached_full_name_expires_after" ON "lamppost" /* sea-orm-cached-field "lamppost" 7f18032d */ (julianday("full_name_expires_after")) WHERE "full_name_expires_after" IS NOT NULL;
CREATE TRIGGER "zz_cached_field_lamppost_ai_236b7217" /* sea-orm-cached-field "lamppost" 51e2fe36 */ AFTER INSERT ON "lamppost" BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, NEW."id"
    FROM (SELECT 'full_name' AS list) f
   WHERE NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE "id" = NEW."id"
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_flagged_86f780f9" /* sea-orm-cached-field "lamppost" 6fe866b4 */ AFTER UPDATE OF "full_name_recalculation_needed" ON "lamppost"
  WHEN (NEW."full_name_recalculation_needed" AND NOT OLD."full_name_recalculation_needed") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, NEW."id"
    FROM (SELECT ltrim(CASE WHEN (NEW."full_name_recalculation_needed" AND NOT OLD."full_name_recalculation_needed") THEN ',full_name' ELSE '' END, ',') AS list) f
   WHERE NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND m.field = f.list AND m.eager IS NULL);
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_reflagged_b2f03e74" /* sea-orm-cached-field "lamppost" 7f11f96f */ AFTER UPDATE OF "full_name_recalculation_needed" ON "lamppost"
  WHEN NEW."full_name_recalculation_needed" AND OLD."full_name_recalculation_needed"
   AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND instr(',' || m.field || ',', ',' || 'full_name' || ',') > 0 AND m.eager IS NULL) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  VALUES ('full_name', NEW."id");
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_guard_65a89fec" /* sea-orm-cached-field "lamppost" 37f7697a */ AFTER UPDATE OF "cached_full_name", "full_name_recalculation_needed" ON "lamppost"
  WHEN NOT NEW."full_name_recalculation_needed" AND (OLD."full_name_recalculation_needed" OR OLD."cached_full_name" IS NOT NEW."cached_full_name" COLLATE BINARY)
   AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_recalculations"
          WHERE key_1 = NEW."id"
            AND field = 'full_name'
            AND generation = 0) BEGIN
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_own_064e1b11" /* sea-orm-cached-field "lamppost" 75b453a0 */ AFTER UPDATE OF "id", "first_name", "city_id" ON "lamppost"
  WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."first_name" IS NOT NEW."first_name" COLLATE BINARY OR OLD."city_id" IS NOT NEW."city_id" COLLATE BINARY BEGIN
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_city__id__city_id_c5da8757" /* sea-orm-cached-field "lamppost" 92918185 */ AFTER INSERT ON "city"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."city_id" = NEW."id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."city_id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("city_id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_city__id__city_id_8bd6cb34" /* sea-orm-cached-field "lamppost" 5980199d */ AFTER DELETE ON "city"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."city_id" = OLD."id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."city_id" = OLD."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("city_id" = OLD."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_city__id__city_id_54c51298" /* sea-orm-cached-field "lamppost" 9d90e78d */ BEFORE INSERT ON "city"
  WHEN EXISTS (SELECT 1 FROM "city" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_city__id__city_id_108bb08c" /* sea-orm-cached-field "lamppost" 5dcc35dd */ BEFORE UPDATE OF "id" ON "city"
  WHEN (OLD."id" IS NOT NEW."id" COLLATE BINARY)
   AND EXISTS (SELECT 1 FROM "city" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_au0_city__id__city_id_143e0271" /* sea-orm-cached-field "lamppost" 8579cb2c */ AFTER UPDATE OF "id", "name" ON "city"
  WHEN (OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."name" IS NOT NEW."name" COLLATE BINARY)
   AND EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."city_id" = OLD."id") OR (t."city_id" = NEW."id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."city_id" = OLD."id") OR (t."city_id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("city_id" = OLD."id") OR ("city_id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_pigeon__lamppost_id__id_2b5333c3" /* sea-orm-cached-field "lamppost" fd34d1ef */ AFTER INSERT ON "pigeon"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = NEW."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = NEW."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = NEW."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_pigeon__lamppost_id__id_08f01a64" /* sea-orm-cached-field "lamppost" 3aeb22db */ AFTER DELETE ON "pigeon"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = OLD."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = OLD."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = OLD."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_pigeon__lamppost_id__id_9b3c79f8" /* sea-orm-cached-field "lamppost" bd27345d */ BEFORE INSERT ON "pigeon"
  WHEN EXISTS (SELECT 1 FROM "pigeon" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_pigeon__lamppost_id__id_ed9c211c" /* sea-orm-cached-field "lamppost" 4f4d7857 */ BEFORE UPDATE OF "id" ON "pigeon"
  WHEN (OLD."id" IS NOT NEW."id" COLLATE BINARY)
   AND EXISTS (SELECT 1 FROM "pigeon" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi1_pigeon__lamppost_id__id_50d3c123" /* sea-orm-cached-field "lamppost" f255921d */ BEFORE INSERT ON "pigeon"
  WHEN EXISTS (SELECT 1 FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu1_pigeon__lamppost_id__id_06237087" /* sea-orm-cached-field "lamppost" 1c571587 */ BEFORE UPDATE OF "ring" ON "pigeon"
  WHEN (OLD."ring" IS NOT NEW."ring" COLLATE BINARY)
   AND EXISTS (SELECT 1 FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_au0_pigeon__lamppost_id__id_1c6dbb91" /* sea-orm-cached-field "lamppost" 470acf72 */ AFTER UPDATE OF "lamppost_id", "weight_in_g" ON "pigeon"
  WHEN (OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY OR OLD."weight_in_g" IS NOT NEW."weight_in_g" COLLATE BINARY)
   AND EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = OLD."lamppost_id") OR (t."id" = NEW."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = OLD."lamppost_id") OR (t."id" = NEW."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_plaque__lamppost_id__id_29342e45" /* sea-orm-cached-field "lamppost" c8d3382b */ AFTER INSERT ON "plaque"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = NEW."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = NEW."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = NEW."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_plaque__lamppost_id__id_b5f21b6a" /* sea-orm-cached-field "lamppost" 083b3a78 */ AFTER DELETE ON "plaque"
  WHEN EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = OLD."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = OLD."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = OLD."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_plaque__lamppost_id__id_4f0d7c76" /* sea-orm-cached-field "lamppost" c32ca729 */ BEFORE INSERT ON "plaque"
  WHEN EXISTS (SELECT 1 FROM "plaque" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_plaque__lamppost_id__id_6b41f662" /* sea-orm-cached-field "lamppost" ba4fee04 */ BEFORE UPDATE OF "id" ON "plaque"
  WHEN (OLD."id" IS NOT NEW."id" COLLATE BINARY)
   AND EXISTS (SELECT 1 FROM "plaque" r WHERE r."id" = NEW."id") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi1_plaque__lamppost_id__id_edaca325" /* sea-orm-cached-field "lamppost" 2674dc28 */ BEFORE INSERT ON "plaque"
  WHEN EXISTS (SELECT 1 FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu1_plaque__lamppost_id__id_6949b2c1" /* sea-orm-cached-field "lamppost" 0b7ca448 */ BEFORE UPDATE OF "lamppost_id" ON "plaque"
  WHEN (OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY)
   AND EXISTS (SELECT 1 FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY") BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_lamppost_au0_plaque__lamppost_id__id_f99f5edf" /* sea-orm-cached-field "lamppost" 3f33f3d7 */ AFTER UPDATE OF "lamppost_id", "text" ON "plaque"
  WHEN (OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY OR OLD."text" IS NOT NEW."text" COLLATE BINARY)
   AND EXISTS (
    SELECT 1
      FROM "lamppost" t
     WHERE ((t."id" = OLD."lamppost_id") OR (t."id" = NEW."lamppost_id"))
       AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = t."id"
            AND m.field = 'full_name' AND m.eager IS NULL)) BEGIN
  INSERT INTO "_lamppost_cached_marks" (field, key_1)
  SELECT f.list, f.key_1
    FROM (SELECT ltrim(CASE WHEN t."full_name_recalculation_needed" THEN ',full_name' ELSE '' END, ',') AS list, t."id" AS key_1
            FROM "lamppost" t
           WHERE (t."id" = OLD."lamppost_id") OR (t."id" = NEW."lamppost_id")) f
   WHERE f.list <> '' AND NOT EXISTS (
         SELECT 1
           FROM "_lamppost_cached_marks" m
          WHERE m.key_1 = f.key_1
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "lamppost"
     SET "full_name_recalculation_needed" = 1
   WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id"))
     AND NOT ("full_name_recalculation_needed");
END;
CREATE INDEX "_measure_cached_marks_key" ON "_measure_cached_marks" /* sea-orm-cached-field "measure" 900c9d70 */ (key_1, field);
CREATE INDEX "_measure_cached_recalculations_due" ON "_measure_cached_recalculations" /* sea-orm-cached-field "measure" e5fa5a42 */ (due_at);
CREATE TRIGGER "zz_cached_field_measure_ai_665bc2b1" /* sea-orm-cached-field "measure" 5f3da256 */ AFTER INSERT ON "measure" BEGIN
  INSERT INTO "_measure_cached_marks" (field, key_1)
  SELECT f.list, NEW."id"
    FROM (SELECT 'length' AS list) f
   WHERE NOT EXISTS (
         SELECT 1
           FROM "_measure_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND m.field = f.list AND m.eager IS NULL);
  UPDATE "measure"
     SET "length_recalculation_needed" = 1
   WHERE "id" = NEW."id"
     AND NOT ("length_recalculation_needed");
END;
CREATE TRIGGER "zz_cached_field_measure_flagged_4ab8245b" /* sea-orm-cached-field "measure" 76cd5e66 */ AFTER UPDATE OF "length_recalculation_needed" ON "measure"
  WHEN (NEW."length_recalculation_needed" AND NOT OLD."length_recalculation_needed") BEGIN
  INSERT INTO "_measure_cached_marks" (field, key_1)
  SELECT f.list, NEW."id"
    FROM (SELECT ltrim(CASE WHEN (NEW."length_recalculation_needed" AND NOT OLD."length_recalculation_needed") THEN ',length' ELSE '' END, ',') AS list) f
   WHERE NOT EXISTS (
         SELECT 1
           FROM "_measure_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND m.field = f.list AND m.eager IS NULL);
END;
CREATE TRIGGER "zz_cached_field_measure_length_reflagged_1a6500c5" /* sea-orm-cached-field "measure" bca6499d */ AFTER UPDATE OF "length_recalculation_needed" ON "measure"
  WHEN NEW."length_recalculation_needed" AND OLD."length_recalculation_needed"
   AND NOT EXISTS (
         SELECT 1
           FROM "_measure_cached_marks" m
          WHERE m.key_1 = NEW."id"
            AND instr(',' || m.field || ',', ',' || 'length' || ',') > 0 AND m.eager IS NULL) BEGIN
  INSERT INTO "_measure_cached_marks" (field, key_1)
  VALUES ('length', NEW."id");
END;
CREATE TRIGGER "zz_cached_field_measure_length_guard_c140dc8d" /* sea-orm-cached-field "measure" e2c3bd03 */ AFTER UPDATE OF "cached_length", "length_recalculation_needed" ON "measure"
  WHEN NOT NEW."length_recalculation_needed" AND (OLD."length_recalculation_needed" OR OLD."cached_length" IS NOT NEW."cached_length" COLLATE BINARY)
   AND NOT EXISTS (
         SELECT 1
           FROM "_measure_cached_recalculations"
          WHERE key_1 = NEW."id"
            AND field = 'length'
            AND generation = 0) BEGIN
  UPDATE "measure"
     SET "length_recalculation_needed" = 1
   WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_measure_length_own_31d0de78" /* sea-orm-cached-field "measure" b1ee056d */ AFTER UPDATE OF "id", "inches" ON "measure"
  WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."inches" IS NOT NEW."inches" COLLATE BINARY BEGIN
  UPDATE "measure"
     SET "length_recalculation_needed" = 1
   WHERE "id" = NEW."id";
END;
