CREATE TABLE `city` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `mayor` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `city` VALUES
(1,'Roma',NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ai_594f8038_ddf7225d` AFTER INSERT ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF NEW.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(NEW.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM NEW.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 594f8038';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_au_181e7d06_dec9bd10` AFTER UPDATE ON `DATABASE_NAME`.`city` FOR EACH ROW
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
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 181e7d06';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_city__id__city_id_ad_689b49dd_503fdc91` AFTER DELETE ON `DATABASE_NAME`.`city` FOR EACH ROW
BEGIN
  IF OLD.`id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, via, link, link_hash) VALUES ('full_name', 'city__id__city_id', CONCAT('i', HEX(CAST(OLD.`id` AS CHAR))), CRC32(CONCAT_WS(',', HEX(WEIGHT_STRING(CONVERT(TRIM(TRAILING ' ' FROM OLD.`id`) USING utf8mb4) COLLATE utf8mb4_unicode_ci)))));
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 689b49dd';
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
  KEY `lamppost_cached_full_name_expires_after` (`full_name_expires_after`) COMMENT 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` a81ead05',
  CONSTRAINT `fk-lamppost-city_id` FOREIGN KEY (`city_id`) REFERENCES `city` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=6 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
INSERT INTO `lamppost` VALUES
(1,'Ada',NULL,NULL,'Ada of nowhere, 1 pigeons of 300, -',0,NULL),
(2,'Bea',NULL,NULL,'Bob of nowhere, 1 pigeons of 300, -',1,NULL),
(3,'Cyd','broken',NULL,'Cyd of nowhere, 1 pigeons of 300, -',1,NULL),
(4,'Dan',NULL,NULL,'Dan of nowhere, 1 pigeons of 300, -',1,NULL),
(5,'Eve',NULL,1,'Eve of Rome, 1 pigeons of 300, -',0,NULL);
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bi_b98e73a8_16c906ea` BEFORE INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  SET NEW.`full_name_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b98e73a8';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_ai_73a6286a_f7a5a99c` AFTER INSERT ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 73a6286a';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_bu_a2f184c6_b81cf350` BEFORE UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
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
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` a2f184c6';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_au_b013eabc_5edfb3a5` AFTER UPDATE ON `DATABASE_NAME`.`lamppost` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (CAST(OLD.`first_name` AS BINARY) <=> CAST(NEW.`first_name` AS BINARY)) OR NOT (OLD.`city_id` <=> NEW.`city_id`)) THEN
    INSERT INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b013eabc';
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
) ENGINE=InnoDB AUTO_INCREMENT=21 DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` 334dfaed';
INSERT INTO `lamppost_cached_marks` VALUES
(18,'full_name',2,NULL,'2026-11-27 08:13:17.324954',NULL,NULL,NULL),
(19,'full_name',1,NULL,'2026-11-27 08:13:17.326350',NULL,NULL,NULL),
(20,'full_name',NULL,NULL,'2026-11-27 08:13:17.332549','city__id__city_id','i31',1268076001);
CREATE TABLE `lamppost_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `first_marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`lamppost` f1d8fcbf';
INSERT INTO `lamppost_cached_recalculations` VALUES
(3,'full_name',1000,NULL,'1970-01-01 00:00:00.000000',9,'broken','2026-11-27 08:13:17.323217'),
(4,'full_name',1001,'2026-11-27 08:13:17.323907','1970-01-01 00:00:00.000000',1,NULL,'2026-11-27 08:13:17.323907');
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
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bi_2d60d5c1_20627732` BEFORE INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  SET NEW.`length_recalculation_needed` = TRUE;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 2d60d5c1';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_ai_bf579f91_41959dd1` AFTER INSERT ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  INSERT INTO `DATABASE_NAME`.`measure_cached_marks` (field, key_1) VALUES ('length', NEW.`id`);
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` bf579f91';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_bu_f44ddf7e_056af7d1` BEFORE UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
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
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` f44ddf7e';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_measure_au_6a9d7a44_6639a3b4` AFTER UPDATE ON `DATABASE_NAME`.`measure` FOR EACH ROW
BEGIN
  IF (NOT (OLD.`id` <=> NEW.`id`) OR NOT (OLD.`inches` <=> NEW.`inches`)) THEN
    INSERT INTO `DATABASE_NAME`.`measure_cached_marks` (field, key_1) VALUES ('length', NEW.`id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`measure` 6a9d7a44';
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
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` a76cb26b';
CREATE TABLE `measure_cached_recalculations` (
  `key_1` int(11) NOT NULL,
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `generation` bigint(20) NOT NULL,
  `due_at` datetime(6) DEFAULT (utc_timestamp(6)),
  `leased_until` datetime(6) NOT NULL DEFAULT '1970-01-01 00:00:00.000000',
  `attempts` int(11) NOT NULL DEFAULT 0,
  `last_error` longtext DEFAULT NULL,
  `first_marked_at` datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (`key_1`,`field`),
  KEY `by_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` 97b4f489';
CREATE TABLE `measure_cached_versions` (
  `field` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `version` bigint(20) NOT NULL,
  PRIMARY KEY (`field`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='sea-orm-cached-field `DATABASE_NAME`.`measure` a2752511';
INSERT INTO `measure_cached_versions` VALUES
('length',1);
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
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ai_fc_d0286a86` AFTER INSERT ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` fc3ccb7a';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_au_64_13c9454d` AFTER UPDATE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
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
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 641100e2';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_pigeon__lamppost_id__id_ad_b4_c5dda162` AFTER DELETE ON `DATABASE_NAME`.`pigeon` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` b42cae28';
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
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ai_25_82c22154` AFTER INSERT ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF NEW.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', NEW.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 25b344f0';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_au_48_7fd4ba1a` AFTER UPDATE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
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
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` 480412dc';
END 
;;
DELIMITER ;
DELIMITER ;;
CREATE TRIGGER `DATABASE_NAME`.`zz_cached_field_lamppost_plaque__lamppost_id__id_ad_ea_f5f8b3b6` AFTER DELETE ON `DATABASE_NAME`.`plaque` FOR EACH ROW
BEGIN
  IF OLD.`lamppost_id` IS NOT NULL THEN
    INSERT IGNORE INTO `DATABASE_NAME`.`lamppost_cached_marks` (field, key_1) VALUES ('full_name', OLD.`lamppost_id`);
  END IF;
  DO 'sea-orm-cached-field `DATABASE_NAME`.`lamppost` ea840f52';
END 
;;
DELIMITER ;
