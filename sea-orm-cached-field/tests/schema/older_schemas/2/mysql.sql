CREATE TABLE `city` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `mayor` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `city` VALUES
(1,'Roma',NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ai_f3cf4826_c20bcbf1` AFTER INSERT ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF NEW.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(NEW.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM NEW.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` f3cf4826';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_au_59be99dd_afd1df2e` AFTER UPDATE ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`name` AS BINARY) <=> CAST(NEW.`name` AS BINARY))) THEN
  IF OLD.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(OLD.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM OLD.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  END IF;
  IF (NOT (OLD.`id` <=> NEW.`id`)) THEN
  IF NEW.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(NEW.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM NEW.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 59be99dd';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ad_5f5e0eb5_586120b1` AFTER DELETE ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF OLD.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(OLD.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM OLD.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 5f5e0eb5';
END 
;;
DELIMITER ;
CREATE TABLE `lamppost` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `first_name` varchar(255) NOT NULL,
  `note` varchar(255) DEFAULT NULL,
  `city_id` int(11) DEFAULT NULL,
  `cached_full_name` varchar(255) DEFAULT NULL,
  `full_name_recalculation_needed` tinyint(1) NOT NULL DEFAULT 1,
  `full_name_expires_after` timestamp NULL DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `fk-lamppost-city_id` (`city_id`),
  KEY `lamppost_cached_full_name_expires_after` (`full_name_expires_after`) COMMENT 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 22e0fbca',
  CONSTRAINT `fk-lamppost-city_id` FOREIGN KEY (`city_id`) REFERENCES `city` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `lamppost` VALUES
(1,'Ada',NULL,NULL,'Ada of nowhere, 1 pigeons of 300, -',0,NULL),
(2,'Bea',NULL,NULL,'Bob of nowhere, 1 pigeons of 300, -',1,NULL),
(3,'Cyd',NULL,NULL,'Cyd of nowhere, 1 pigeons of 300, -',1,NULL),
(4,'Dan',NULL,NULL,'Dan of nowhere, 1 pigeons of 300, -',1,NULL),
(5,'Eve',NULL,1,'Eve of Rome, 1 pigeons of 300, -',0,NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bi_8c946ba3_f38bc3e2` BEFORE INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  SET NEW.`full_name_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 8c946ba3';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_ai_96bcd43c_4cbe55bd` AFTER INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 96bcd43c';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bu_0e790bf2_32a9d7df` BEFORE UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  DECLARE cached_field_foreign BOOLEAN DEFAULT NOT (NEW.`full_name_recalculation_needed` IN (100, 101));
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`first_name` AS BINARY) <=> CAST(NEW.`first_name` AS BINARY)) OR NOT (OLD.`city_id` <=> NEW.`city_id`)) OR NEW.`full_name_recalculation_needed` = 101 THEN
    SET NEW.`full_name_recalculation_needed` = TRUE;
  ELSEIF NEW.`full_name_recalculation_needed` = 100 THEN
    SET NEW.`full_name_recalculation_needed` = FALSE;
  ELSEIF cached_field_foreign AND (NEW.`full_name_recalculation_needed` OR OLD.`full_name_recalculation_needed` OR NOT (CAST(OLD.`cached_full_name` AS BINARY) <=> CAST(NEW.`cached_full_name` AS BINARY))) THEN
    SET NEW.`full_name_recalculation_needed` = TRUE;
    INSERT INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 0e790bf2';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_au_222cd41c_0fa2a88c` AFTER UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`first_name` AS BINARY) <=> CAST(NEW.`first_name` AS BINARY)) OR NOT (OLD.`city_id` <=> NEW.`city_id`)) THEN
    INSERT INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 222cd41c';
END 
;;
DELIMITER ;
CREATE TABLE `lamppost_cached_marks` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `key_1` int(11) DEFAULT NULL,
  `eager` tinyint(1) DEFAULT NULL,
  `marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  `via` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `link` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `link_hash` int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_key` (`key_1`,`field`),
  KEY `by_via` (`via`),
  KEY `by_link` (`link_hash`)
) ENGINE=InnoDB AUTO_INCREMENT=21 DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 2.108132ce';
INSERT INTO `lamppost_cached_marks` VALUES
(18,'full_name',2,NULL,'2026-11-28 11:21:59.325040',NULL,NULL,NULL),
(19,'full_name',1,NULL,'2026-11-28 11:21:59.328613',NULL,NULL,NULL),
(20,'full_name',NULL,NULL,'2026-11-28 11:21:59.329348','city__id__city_id','i31',1268076001);
CREATE TABLE `lamppost_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `waves` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `first_marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 2.e81012a1';
INSERT INTO `lamppost_cached_recalculations` VALUES
(3,'full_name',1000,NULL,'1970-01-01 00:00:00.000000',9,0,'broken','2026-11-28 11:21:59.313396'),
(4,'full_name',1001,'2026-11-28 11:21:59.316691','1970-01-01 00:00:00.000000',1,0,NULL,'2026-11-28 11:21:59.316691');
CREATE TABLE `lamppost_cached_versions` (
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  `inputs` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `kept_by` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `renewal` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`field`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 2.4cf83150';
INSERT INTO `lamppost_cached_versions` VALUES
('full_name',0,'\"cached_full_name\"\n\"city\"(\"id\" = \"city_id\")\n\"city\"(\"id\" = \"city_id\") \"name\"\n\"city_id\"\n\"first_name\"\n\"pigeon\"(\"lamppost_id\" = \"id\")\n\"pigeon\"(\"lamppost_id\" = \"id\") \"weight_in_g\"\n\"plaque\"(\"lamppost_id\" = \"id\")\n\"plaque\"(\"lamppost_id\" = \"id\") \"text\"','table \"lamppost_cached_marks\"\ntable \"lamppost_cached_recalculations\"\ntable \"lamppost_cached_versions\"\ntrigger \"zz_cached_field_lamppost_ai_96bcd43c_4cbe55bd\"\ntrigger \"zz_cached_field_lamppost_au_222cd41c_0fa2a88c\"\ntrigger \"zz_cached_field_lamppost_bi_8c946ba3_f38bc3e2\"\ntrigger \"zz_cached_field_lamppost_bu_0e790bf2_32a9d7df\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_ad_5f5e0eb5_586120b1\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_ai_f3cf4826_c20bcbf1\"\ntrigger \"zz_cached_field_lamppost_city__id__city_id_au_59be99dd_afd1df2e\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_b2_d3d1bb48\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_c8_922f455b\"\ntrigger \"zz_cached_field_lamppost_pigeon__lamppost_id__id_au_5b_5fa393c7\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_ad_60_c859c18a\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_ai_8e_69cae17f\"\ntrigger \"zz_cached_field_lamppost_plaque__lamppost_id__id_au_23_198c7c4e\"',NULL);
CREATE TABLE `measure` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `inches` int(11) NOT NULL,
  `cached_length` varchar(255) DEFAULT NULL,
  `length_recalculation_needed` tinyint(1) NOT NULL DEFAULT 1,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `measure` VALUES
(1,1,'1 inches',0);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bi_060d007e_00df21cc` BEFORE INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  SET NEW.`length_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 060d007e';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_ai_ddba7b6d_0be386a5` AFTER INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`measure_cached_marks` (field, key_1) VALUES ('length', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` ddba7b6d';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bu_78716068_dd776e71` BEFORE UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  DECLARE cached_field_foreign BOOLEAN DEFAULT NOT (NEW.`length_recalculation_needed` IN (100, 101));
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (OLD.`inches` <=> NEW.`inches`)) OR NEW.`length_recalculation_needed` = 101 THEN
    SET NEW.`length_recalculation_needed` = TRUE;
  ELSEIF NEW.`length_recalculation_needed` = 100 THEN
    SET NEW.`length_recalculation_needed` = FALSE;
  ELSEIF cached_field_foreign AND (NEW.`length_recalculation_needed` OR OLD.`length_recalculation_needed` OR NOT (CAST(OLD.`cached_length` AS BINARY) <=> CAST(NEW.`cached_length` AS BINARY))) THEN
    SET NEW.`length_recalculation_needed` = TRUE;
    INSERT INTO `DATABASE_NAME`.`measure_cached_marks` (field, key_1) VALUES ('length', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 78716068';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_au_7c5d6a42_d07bb1ab` AFTER UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (OLD.`inches` <=> NEW.`inches`)) THEN
    INSERT INTO `DATABASE_NAME`.`measure_cached_marks` (field, key_1) VALUES ('length', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 7c5d6a42';
END 
;;
DELIMITER ;
CREATE TABLE `measure_cached_marks` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `key_1` int(11) DEFAULT NULL,
  `eager` tinyint(1) DEFAULT NULL,
  `marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  `via` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `link` longtext CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `link_hash` int(10) unsigned DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `by_key` (`key_1`,`field`),
  KEY `by_via` (`via`),
  KEY `by_link` (`link_hash`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 2.108132ce';
CREATE TABLE `measure_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `waves` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `first_marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 2.e81012a1';
CREATE TABLE `measure_cached_versions` (
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  `inputs` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `kept_by` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `renewal` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`field`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 2.4cf83150';
INSERT INTO `measure_cached_versions` VALUES
('length',1,'\"cached_length\"\n\"inches\"','table \"measure_cached_marks\"\ntable \"measure_cached_recalculations\"\ntable \"measure_cached_versions\"\ntrigger \"zz_cached_field_measure_ai_ddba7b6d_0be386a5\"\ntrigger \"zz_cached_field_measure_au_7c5d6a42_d07bb1ab\"\ntrigger \"zz_cached_field_measure_bi_060d007e_00df21cc\"\ntrigger \"zz_cached_field_measure_bu_78716068_dd776e71\"',NULL);
CREATE TABLE `pigeon` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `weight_in_g` int(11) NOT NULL,
  `colour` varchar(255) DEFAULT NULL,
  `ring` varchar(255) DEFAULT NULL,
  `lamppost_id` int(11) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `ring` (`ring`),
  KEY `fk-pigeon-lamppost_id` (`lamppost_id`),
  CONSTRAINT `fk-pigeon-lamppost_id` FOREIGN KEY (`lamppost_id`) REFERENCES `lamppost` (`id`) ON DELETE CASCADE ON UPDATE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `pigeon` VALUES
(1,500,NULL,NULL,1),
(2,300,NULL,NULL,2),
(3,400,NULL,NULL,3),
(4,400,NULL,NULL,4),
(5,300,NULL,NULL,5);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_c8_922f455b` AFTER INSERT ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` c8cbbe8a';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_au_5b_5fa393c7` AFTER UPDATE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`) OR NOT (OLD.`weight_in_g` <=> NEW.`weight_in_g`)) THEN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  END IF;
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`)) THEN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 5bea6863';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_b2_d3d1bb48` AFTER DELETE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b263ca32';
END 
;;
DELIMITER ;
CREATE TABLE `plaque` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `text` varchar(255) NOT NULL,
  `lamppost_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `lamppost_id` (`lamppost_id`),
  CONSTRAINT `fk-plaque-lamppost_id` FOREIGN KEY (`lamppost_id`) REFERENCES `lamppost` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ai_8e_69cae17f` AFTER INSERT ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 8ef2cb40';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_au_23_198c7c4e` AFTER UPDATE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`) OR NOT (CAST(OLD.`text` AS BINARY) <=> CAST(NEW.`text` AS BINARY))) THEN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  END IF;
  IF (NOT (OLD.`lamppost_id` <=> NEW.`lamppost_id`)) THEN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 23109ba5';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ad_60_c859c18a` AFTER DELETE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 600b5cf4';
END 
;;
DELIMITER ;
