CREATE TABLE "city" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar NOT NULL, "mayor" varchar );
CREATE TABLE "lamppost" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "first_name" varchar NOT NULL, "note" varchar, "city_id" integer, "cached_full_name" varchar, "full_name_recalculation_needed" boolean NOT NULL DEFAULT TRUE, "full_name_expires_after" timestamp_with_timezone_text, FOREIGN KEY ("city_id") REFERENCES "city" ("id") );
CREATE TABLE "pigeon" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "weight_in_g" integer NOT NULL, "colour" varchar, "ring" varchar UNIQUE, "lamppost_id" integer, FOREIGN KEY ("lamppost_id") REFERENCES "lamppost" ("id") ON DELETE CASCADE ON UPDATE CASCADE );
CREATE TABLE "plaque" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "text" varchar NOT NULL, "lamppost_id" integer NOT NULL UNIQUE, FOREIGN KEY ("lamppost_id") REFERENCES "lamppost" ("id") ON DELETE CASCADE );
CREATE TABLE "lamppost_cached_marks" /* sea-orm-cached-field "lamppost" 2.68e0b648 */ (
  id INTEGER PRIMARY KEY,
  field TEXT NOT NULL,
  key_1 INTEGER NOT NULL,
  eager INTEGER, -- NULL: as the field is set
  marked_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
);
CREATE TABLE "lamppost_cached_recalculations" /* sea-orm-cached-field "lamppost" 2.bd81c4aa */ (
  key_1 INTEGER NOT NULL,
  field TEXT NOT NULL,
  generation INTEGER NOT NULL,
  due_at INTEGER DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  leased_until INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  waves INTEGER NOT NULL DEFAULT 0, -- negative: held back since then
  last_error TEXT,
  first_marked_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  PRIMARY KEY (key_1, field)
) WITHOUT ROWID;
CREATE TABLE "lamppost_cached_versions" /* sea-orm-cached-field "lamppost" 2.8b4e56fd */ (
  field TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT,
  kept_by TEXT,
  renewal INTEGER -- not NULL: rows have yet to be flagged
);
CREATE TABLE "measure" ( "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "inches" integer NOT NULL, "cached_length" varchar, "length_recalculation_needed" boolean NOT NULL DEFAULT TRUE );
CREATE TABLE "measure_cached_marks" /* sea-orm-cached-field "measure" 2.65b66c6e */ (
  id INTEGER PRIMARY KEY,
  field TEXT NOT NULL,
  key_1 INTEGER NOT NULL,
  eager INTEGER, -- NULL: as the field is set
  marked_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
);
CREATE TABLE "measure_cached_recalculations" /* sea-orm-cached-field "measure" 2.90998fa0 */ (
  key_1 INTEGER NOT NULL,
  field TEXT NOT NULL,
  generation INTEGER NOT NULL,
  due_at INTEGER DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  leased_until INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  waves INTEGER NOT NULL DEFAULT 0, -- negative: held back since then
  last_error TEXT,
  first_marked_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER)),
  PRIMARY KEY (key_1, field)
) WITHOUT ROWID;
CREATE TABLE "measure_cached_versions" /* sea-orm-cached-field "measure" 2.72a3d11f */ (
  field TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  inputs TEXT,
  kept_by TEXT,
  renewal INTEGER -- not NULL: rows have yet to be flagged
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
INSERT INTO "lamppost_cached_marks" VALUES (1,'full_name',2,NULL,1795864924137);
INSERT INTO "lamppost_cached_marks" VALUES (2,'full_name',1,NULL,1795864924140);
INSERT INTO "lamppost_cached_marks" VALUES (3,'full_name',5,NULL,1795864924140);
INSERT INTO "lamppost_cached_recalculations" VALUES (3,'full_name',1000,NULL,0,9,0,'broken',1795864924120);
INSERT INTO "lamppost_cached_recalculations" VALUES (4,'full_name',1001,1795864924121,0,1,0,NULL,1795864924121);
INSERT INTO "lamppost_cached_versions" VALUES ('full_name',0,'"cached_full_name"
"city"("id" = "city_id")
"city"("id" = "city_id") "name"
"city_id"
"first_name"
"pigeon"("lamppost_id" = "id")
"pigeon"("lamppost_id" = "id") "weight_in_g"
"plaque"("lamppost_id" = "id")
"plaque"("lamppost_id" = "id") "text"','table "lamppost_cached_marks"
table "lamppost_cached_recalculations"
table "lamppost_cached_versions"
trigger "zz_cached_field_lamppost_ad_full_name_city__id__city_i_e8003e3e"
trigger "zz_cached_field_lamppost_ad_full_name_pigeon__lamppost_7d59c64a"
trigger "zz_cached_field_lamppost_ad_full_name_plaque__lamppost_c5bba734"
trigger "zz_cached_field_lamppost_ai_236b7217"
trigger "zz_cached_field_lamppost_ai_full_name_city__id__city_i_782218fd"
trigger "zz_cached_field_lamppost_ai_full_name_pigeon__lamppost_2460de6d"
trigger "zz_cached_field_lamppost_ai_full_name_plaque__lamppost_9c43ec53"
trigger "zz_cached_field_lamppost_au_full_name_city__id__city_i_b58efda1"
trigger "zz_cached_field_lamppost_au_full_name_pigeon__lamppost_4cf830a1"
trigger "zz_cached_field_lamppost_au_full_name_plaque__lamppost_b7c37bef"
trigger "zz_cached_field_lamppost_bi0_full_name_city__id__city__4dfbc7aa"
trigger "zz_cached_field_lamppost_bi0_full_name_pigeon__lamppos_4fec0776"
trigger "zz_cached_field_lamppost_bi0_full_name_plaque__lamppos_3cfa2408"
trigger "zz_cached_field_lamppost_bi1_full_name_pigeon__lamppos_12b272cd"
trigger "zz_cached_field_lamppost_bi1_full_name_plaque__lamppos_5df23bb3"
trigger "zz_cached_field_lamppost_bu0_full_name_city__id__city__97a724d6"
trigger "zz_cached_field_lamppost_bu0_full_name_pigeon__lamppos_8cc45b82"
trigger "zz_cached_field_lamppost_bu0_full_name_plaque__lamppos_25d756cc"
trigger "zz_cached_field_lamppost_bu1_full_name_pigeon__lamppos_a1226409"
trigger "zz_cached_field_lamppost_bu1_full_name_plaque__lamppos_3c043e37"
trigger "zz_cached_field_lamppost_full_name_flagged_52f92ba3"
trigger "zz_cached_field_lamppost_full_name_guard_65a89fec"
trigger "zz_cached_field_lamppost_full_name_own_064e1b11"',NULL);
INSERT INTO "measure" VALUES (1,1,'1 inches',0);
INSERT INTO "measure_cached_versions" VALUES ('length',1,'"cached_length"
"inches"','table "measure_cached_marks"
table "measure_cached_recalculations"
table "measure_cached_versions"
trigger "zz_cached_field_measure_ai_665bc2b1"
trigger "zz_cached_field_measure_length_flagged_4329f586"
trigger "zz_cached_field_measure_length_guard_c140dc8d"
trigger "zz_cached_field_measure_length_own_31d0de78"',NULL);
CREATE INDEX "lamppost_cached_marks_key" ON "lamppost_cached_marks" /* sea-orm-cached-field "lamppost" 19a019fa */ (key_1, field);
CREATE INDEX "lamppost_cached_recalculations_due" ON "lamppost_cached_recalculations" /* sea-orm-cached-field "lamppost" 98dd46be */ (due_at);
CREATE INDEX "lamppost_cached_full_name_expires_after" ON "lamppost" /* sea-orm-cached-field "lamppost" 7f18032d */ (julianday("full_name_expires_after")) WHERE "full_name_expires_after" IS NOT NULL;
CREATE TRIGGER "zz_cached_field_lamppost_ai_236b7217" /* sea-orm-cached-field "lamppost" 8bbc3e9c */ AFTER INSERT ON "lamppost" BEGIN
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_flagged_52f92ba3" /* sea-orm-cached-field "lamppost" c0270974 */ AFTER UPDATE OF "full_name_recalculation_needed" ON "lamppost" WHEN NEW."full_name_recalculation_needed" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) VALUES ('full_name', NEW."id");
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_own_064e1b11" /* sea-orm-cached-field "lamppost" da0f998a */ AFTER UPDATE OF "id", "first_name", "city_id" ON "lamppost" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."first_name" IS NOT NEW."first_name" COLLATE BINARY OR OLD."city_id" IS NOT NEW."city_id" COLLATE BINARY BEGIN
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_lamppost_full_name_guard_65a89fec" /* sea-orm-cached-field "lamppost" 96bcbebd */ AFTER UPDATE OF "cached_full_name", "full_name_recalculation_needed" ON "lamppost"
  WHEN NOT NEW."full_name_recalculation_needed" AND (OLD."full_name_recalculation_needed" OR OLD."cached_full_name" IS NOT NEW."cached_full_name" COLLATE BINARY)
   AND NOT EXISTS (SELECT 1 FROM "lamppost_cached_recalculations" WHERE key_1 = NEW."id" AND field = 'full_name' AND generation = 0) BEGIN
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_full_name_city__id__city_i_782218fd" /* sea-orm-cached-field "lamppost" 7d2d3e22 */ AFTER INSERT ON "city" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("city_id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("city_id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_full_name_city__id__city_i_e8003e3e" /* sea-orm-cached-field "lamppost" a364077a */ AFTER DELETE ON "city" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("city_id" = OLD."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("city_id" = OLD."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_au_full_name_city__id__city_i_b58efda1" /* sea-orm-cached-field "lamppost" 8bebfcf6 */ AFTER UPDATE OF "id", "name" ON "city" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."name" IS NOT NEW."name" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("city_id" = OLD."id") OR ("city_id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("city_id" = OLD."id") OR ("city_id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_full_name_city__id__city__4dfbc7aa" /* sea-orm-cached-field "lamppost" d5d285ef */ BEFORE INSERT ON "city" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_full_name_city__id__city__97a724d6" /* sea-orm-cached-field "lamppost" 31907f38 */ BEFORE UPDATE OF "id" ON "city" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("city_id") IN (SELECT r."id" FROM "city" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_full_name_pigeon__lamppost_2460de6d" /* sea-orm-cached-field "lamppost" 40612e5d */ AFTER INSERT ON "pigeon" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = NEW."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = NEW."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_full_name_pigeon__lamppost_7d59c64a" /* sea-orm-cached-field "lamppost" bc62f3c2 */ AFTER DELETE ON "pigeon" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = OLD."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = OLD."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_au_full_name_pigeon__lamppost_4cf830a1" /* sea-orm-cached-field "lamppost" 9e1d9916 */ AFTER UPDATE OF "lamppost_id", "weight_in_g" ON "pigeon" WHEN OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY OR OLD."weight_in_g" IS NOT NEW."weight_in_g" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_full_name_pigeon__lamppos_4fec0776" /* sea-orm-cached-field "lamppost" 0e231dfe */ BEFORE INSERT ON "pigeon" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_full_name_pigeon__lamppos_8cc45b82" /* sea-orm-cached-field "lamppost" 21dc1696 */ BEFORE UPDATE OF "id" ON "pigeon" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi1_full_name_pigeon__lamppos_12b272cd" /* sea-orm-cached-field "lamppost" f8a404e4 */ BEFORE INSERT ON "pigeon" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu1_full_name_pigeon__lamppos_a1226409" /* sea-orm-cached-field "lamppost" 146a4236 */ BEFORE UPDATE OF "ring" ON "pigeon" WHEN OLD."ring" IS NOT NEW."ring" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "pigeon" r WHERE r."ring" = NEW."ring" COLLATE "BINARY")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ai_full_name_plaque__lamppost_9c43ec53" /* sea-orm-cached-field "lamppost" 3ecf4a25 */ AFTER INSERT ON "plaque" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = NEW."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = NEW."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_ad_full_name_plaque__lamppost_c5bba734" /* sea-orm-cached-field "lamppost" 6acaa93a */ AFTER DELETE ON "plaque" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = OLD."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = OLD."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_au_full_name_plaque__lamppost_b7c37bef" /* sea-orm-cached-field "lamppost" 1c86991a */ AFTER UPDATE OF "lamppost_id", "text" ON "plaque" WHEN OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY OR OLD."text" IS NOT NEW."text" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id" = OLD."lamppost_id") OR ("id" = NEW."lamppost_id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi0_full_name_plaque__lamppos_3cfa2408" /* sea-orm-cached-field "lamppost" 81451843 */ BEFORE INSERT ON "plaque" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu0_full_name_plaque__lamppos_25d756cc" /* sea-orm-cached-field "lamppost" 770bd62c */ BEFORE UPDATE OF "id" ON "plaque" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."id" = NEW."id")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bi1_full_name_plaque__lamppos_5df23bb3" /* sea-orm-cached-field "lamppost" 85bbe66e */ BEFORE INSERT ON "plaque" BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) AND NOT "full_name_recalculation_needed";
END;
CREATE TRIGGER "zz_cached_field_lamppost_bu1_full_name_plaque__lamppos_3c043e37" /* sea-orm-cached-field "lamppost" b233b569 */ BEFORE UPDATE OF "lamppost_id" ON "plaque" WHEN OLD."lamppost_id" IS NOT NEW."lamppost_id" COLLATE BINARY BEGIN
  INSERT INTO "lamppost_cached_marks" (field, key_1) SELECT 'full_name', "id" FROM "lamppost" WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) AND "full_name_recalculation_needed";
  UPDATE "lamppost" SET "full_name_recalculation_needed" = 1 WHERE (("id") IN (SELECT r."lamppost_id" FROM "plaque" r WHERE r."lamppost_id" = NEW."lamppost_id" COLLATE "BINARY")) AND NOT "full_name_recalculation_needed";
END;
CREATE INDEX "measure_cached_marks_key" ON "measure_cached_marks" /* sea-orm-cached-field "measure" 17381cf8 */ (key_1, field);
CREATE INDEX "measure_cached_recalculations_due" ON "measure_cached_recalculations" /* sea-orm-cached-field "measure" 3f3ebb3c */ (due_at);
CREATE TRIGGER "zz_cached_field_measure_ai_665bc2b1" /* sea-orm-cached-field "measure" 45ad2096 */ AFTER INSERT ON "measure" BEGIN
  UPDATE "measure" SET "length_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_measure_length_flagged_4329f586" /* sea-orm-cached-field "measure" e6725ef1 */ AFTER UPDATE OF "length_recalculation_needed" ON "measure" WHEN NEW."length_recalculation_needed" BEGIN
  INSERT INTO "measure_cached_marks" (field, key_1) VALUES ('length', NEW."id");
END;
CREATE TRIGGER "zz_cached_field_measure_length_own_31d0de78" /* sea-orm-cached-field "measure" 527e530d */ AFTER UPDATE OF "id", "inches" ON "measure" WHEN OLD."id" IS NOT NEW."id" COLLATE BINARY OR OLD."inches" IS NOT NEW."inches" COLLATE BINARY BEGIN
  UPDATE "measure" SET "length_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
CREATE TRIGGER "zz_cached_field_measure_length_guard_c140dc8d" /* sea-orm-cached-field "measure" 9044728a */ AFTER UPDATE OF "cached_length", "length_recalculation_needed" ON "measure"
  WHEN NOT NEW."length_recalculation_needed" AND (OLD."length_recalculation_needed" OR OLD."cached_length" IS NOT NEW."cached_length" COLLATE BINARY)
   AND NOT EXISTS (SELECT 1 FROM "measure_cached_recalculations" WHERE key_1 = NEW."id" AND field = 'length' AND generation = 0) BEGIN
  UPDATE "measure" SET "length_recalculation_needed" = 1 WHERE "id" = NEW."id";
END;
