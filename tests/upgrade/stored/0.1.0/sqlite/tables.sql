BEGIN TRANSACTION;
CREATE TABLE call_statuses (
	direction TEXT NOT NULL, 
	call_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (direction, call_id, status, at)
);
CREATE TABLE calls (
	direction TEXT NOT NULL, 
	call_id TEXT NOT NULL, 
	caller TEXT, 
	recipient TEXT, 
	status TEXT, 
	final BOOLEAN, 
	status_at TEXT, 
	rank INTEGER, 
	duration_s BIGINT, 
	price_per_minute FLOAT, 
	total_price FLOAT, 
	foreign_id TEXT, 
	started_at TEXT, 
	changed_at TEXT NOT NULL, 
	PRIMARY KEY (direction, call_id)
);
INSERT INTO "calls" VALUES('inbound','5001013','447700900979','493023125000',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-26 23:47:56.000000+00:00','2026-11-29 23:26:16.932000+00:00');
CREATE TABLE dead_letter_failures (
	id TEXT NOT NULL, 
	attempt BIGINT NOT NULL, 
	failed_at TEXT, 
	reason TEXT, 
	PRIMARY KEY (id, attempt)
);
CREATE TABLE dead_letters (
	id TEXT NOT NULL, 
	event_type TEXT, 
	envelope TEXT, 
	reason TEXT, 
	failed_at TEXT, 
	attempts BIGINT, 
	replayed_at TEXT, 
	discarded_at TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE deliveries (
	id TEXT NOT NULL, 
	event_type TEXT, 
	queue TEXT, 
	subject TEXT, 
	received_at TEXT, 
	applied_at TEXT, 
	event_at TEXT, 
	request_method TEXT, 
	payload TEXT, 
	digest TEXT, 
	outcome TEXT, 
	reason TEXT, 
	ledger TEXT, 
	ordinal BIGINT, source TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "deliveries" VALUES('01a229a1-6495-759a-b0dc-e20b14841bf0','dlr','dlr','77005000770','2026-11-29 23:26:12.629416+00:00','2026-11-29 23:26:16.706138+00:00','2026-11-26 23:48:43.030020+00:00','GET','{"data":{"msg_id":"77005000770","status":"ACCEPTED","timestamp":"2026-11-27 00:48:43.030020","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:48:43+01:00"}','d98017200b1d7a823d50ca0cf33f162637c9b82851a5dd44b77f99a11b6a691c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',1,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-649a-7548-b311-1dce60b32434','dlr','dlr','77005000770','2026-11-29 23:26:12.634010+00:00','2026-11-29 23:26:16.706508+00:00','2026-11-26 23:48:48.070305+00:00','JSON','{"data":{"msg_id":"77005000770","status":"TRANSMITTED","timestamp":"2026-11-27 00:48:48.070305","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:48:48+01:00"}','5f28eab9e0c8da5fb8874efab029d7adc0f6cf0e778a2c14232d3c6e83fd837c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',2,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-649d-75a8-9abf-5866cafeed98','dlr','dlr','77005000769','2026-11-29 23:26:12.637516+00:00','2026-11-29 23:26:16.706694+00:00','2026-11-26 23:49:34.778342+00:00','POST','{"data":{"msg_id":"77005000769","status":"TRANSMITTED","timestamp":"2026-11-27 00:49:34.778342"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:34+01:00"}','ce1643b891df3f90a7db7355dd7a9983ff00b9a3c0b47d052ef12158d471bdaa','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',3,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-649d-75a8-9abf-5867804acefa','dlr','dlr','77005000770','2026-11-29 23:26:12.637721+00:00','2026-11-29 23:26:16.706832+00:00','2026-11-26 23:49:10.883928+00:00','JSON','{"data":{"msg_id":"77005000770","status":"DELIVERED","timestamp":"2026-11-27 00:49:10.883928","foreign_id":"order-5-770"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:10+01:00"}','fbff859f96c8facc10617a6fa0dbff3ebb3ab48cea2f0b2f80b9ce3172cedf7d','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',4,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-649d-75a8-9abf-5868205230ca','dlr','dlr','77005000769','2026-11-29 23:26:12.637811+00:00','2026-11-29 23:26:16.706982+00:00','2026-11-26 23:49:27.024547+00:00','JSON','{"data":{"msg_id":"77005000769","status":"ACCEPTED","timestamp":"2026-11-27 00:49:27.024547"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:27+01:00"}','5e7329f890901b8a835b9cbf49c36a3a6a8c1932fac1a814cef1662ef98a8bae','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',5,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64a7-7344-ac44-5db610c55586','dlr','dlr','77005000769','2026-11-29 23:26:12.647118+00:00','2026-11-29 23:26:16.707103+00:00','2026-11-26 23:49:38.765422+00:00','GET','{"msg_id":"77005000769","status":"DELIVERED","timestamp":"2026-11-27 00:49:38.765422","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:38+01:00"}','83bc70caf5e037439d068459a5eed0201a838ab686478fab403f14b4c9d984ab','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',6,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64bc-76a1-a17a-5c9174e46b74','dlr','dlr','77005000768','2026-11-29 23:26:12.668055+00:00','2026-11-29 23:26:16.707210+00:00','2026-11-26 23:50:21.810075+00:00','JSON','{"data":{"msg_id":"77005000768","status":"ACCEPTED","timestamp":"2026-11-27 00:50:21.810075"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:50:21+01:00"}','ba086ec1c342ed8c192025f41043ca4800bf11874aebd814c8a79826ff457de3','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',7,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64da-7163-b20a-0d8206565d4d','dlr','dlr','77005000768','2026-11-29 23:26:12.698179+00:00','2026-11-29 23:26:16.707339+00:00','2026-11-26 23:50:24.614104+00:00','POST','{"data":{"msg_id":"77005000768","status":"TRANSMITTED","timestamp":"2026-11-27 00:50:24.614104"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:50:24+01:00"}','5dcd40aa6573f7d2adec3526ae4ca1f4c10146270bad2f9c5e5f530d78240ffb','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',8,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64da-7163-b20a-0d83875569ce','dlr','dlr','77005000777','2026-11-29 23:26:12.698462+00:00','2026-11-29 23:26:16.707467+00:00','2026-11-26 23:51:03.896334+00:00','JSON','{"data":{"msg_id":"77005000777","status":"ACCEPTED","timestamp":"2026-11-27 00:51:03.896334","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:03+01:00"}','55ca9b241a3baaee551f891c58dd080cfd194bb150e0fd98d50d8b7614d34000','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',9,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64da-7163-b20a-0d8492d668b7','dlr','dlr','77005000777','2026-11-29 23:26:12.698588+00:00','2026-11-29 23:26:16.707574+00:00','2026-11-26 23:51:05.192752+00:00','POST','{"data":{"msg_id":"77005000777","status":"TRANSMITTED","timestamp":"2026-11-27 00:51:05.192752","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:05+01:00"}','bac0d7fc4202d18f0f1f4ca04477f5970c234ff1218426831e3fa494c5e2fb7a','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',10,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64da-7163-b20a-0d85f8a4728d','dlr','dlr','77005000768','2026-11-29 23:26:12.698747+00:00','2026-11-29 23:26:16.713671+00:00','2026-11-26 23:51:15.048862+00:00','GET','{"msg_id":"77005000768","status":"DELIVERED","timestamp":"2026-11-27 00:51:15.048862","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:15+01:00"}','f11d6b6fc67172ffdd7d789b72e27c48c86d635bdf5532ca925cdaae6bc63fc2','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',11,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64da-7163-b20a-0d86687798e3','dlr','dlr','77005000769','2026-11-29 23:26:12.698868+00:00','2026-11-29 23:26:16.713876+00:00','2026-11-26 23:49:34.778342+00:00','JSON','{"data":{"msg_id":"77005000769","status":"TRANSMITTED","timestamp":"2026-11-27 00:49:34.778342"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:49:34+01:00"}','ce1643b891df3f90a7db7355dd7a9983ff00b9a3c0b47d052ef12158d471bdaa','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',12,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64e0-751c-9c3c-e000aa5a6f80','dlr','dlr','77005000777','2026-11-29 23:26:12.704810+00:00','2026-11-29 23:26:16.713988+00:00','2026-11-26 23:51:30.313514+00:00','JSON','{"data":{"msg_id":"77005000777","status":"DELIVERED","timestamp":"2026-11-27 00:51:30.313514","foreign_id":"order-5-777"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:30+01:00"}','b1ea74b90f78376d776d6f196a7c6405bad9a211a1ba8c0a2b74d3d5f60011d7','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',13,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64ec-70e0-b77e-bfa966340298','dlr','dlr','77005000760','2026-11-29 23:26:12.716185+00:00','2026-11-29 23:26:16.714107+00:00','2026-11-26 23:51:30.539587+00:00','JSON','{"data":{"msg_id":"77005000760","status":"ACCEPTED","timestamp":"2026-11-27 00:51:30.539587","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:30+01:00"}','9e017d32858e28f3e890a04b1e758e820a0ec71e370aee12c448494371c6f0a8','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',14,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-64ec-70e0-b77e-bfaa75941416','dlr','dlr','77005000760','2026-11-29 23:26:12.716453+00:00','2026-11-29 23:26:16.714210+00:00','2026-11-26 23:51:38.251428+00:00','POST','{"data":{"msg_id":"77005000760","status":"TRANSMITTED","timestamp":"2026-11-27 00:51:38.251428","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:38+01:00"}','5d4e0b705707513e1a13e37ceac7ae1d8d0c860230a885b0a11ff0b6312d8d0b','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',15,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6500-7242-a96a-0ced4127a953','dlr','dlr','77005000760','2026-11-29 23:26:12.736090+00:00','2026-11-29 23:26:16.714312+00:00','2026-11-26 23:52:06.780206+00:00','GET','{"data":{"msg_id":"77005000760","status":"DELIVERED","timestamp":"2026-11-27 00:52:06.780206","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:06+01:00"}','3ae3ed3befc9aacc21051c0f21065d647aa2a2c8480f9a2bc2f5a1c3de355bea','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',16,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6509-7032-b7c9-a69411e3b755','dlr','dlr','77005000766','2026-11-29 23:26:12.745996+00:00','2026-11-29 23:26:16.714419+00:00','2026-11-26 23:52:42.827355+00:00','JSON','{"data":{"msg_id":"77005000766","status":"ACCEPTED","timestamp":"2026-11-27 00:52:42.827355"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:42+01:00"}','85acb0bc87f01e994d192527ce90b18314cc8cad2f7cc1b58ea81289aa7e17bf','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',17,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-650a-7779-b6c3-aa90ca204f63','dlr','dlr','77005000766','2026-11-29 23:26:12.746175+00:00','2026-11-29 23:26:16.714791+00:00','2026-11-26 23:52:44.317260+00:00','JSON','{"data":{"msg_id":"77005000766","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:44.317260"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:44+01:00"}','27930753d67478ab0e11b377fa56b2cd4ed069f1faf6b63f3455cfcd49843691','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',18,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-650a-7779-b6c3-aa9197b44094','dlr','dlr','77005000775','2026-11-29 23:26:12.746242+00:00','2026-11-29 23:26:16.714916+00:00','2026-11-26 23:51:48.700476+00:00','POST','{"msg_id":"77005000775","status":"ACCEPTED","timestamp":"2026-11-27 00:51:48.700476","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:51:48+01:00"}','9f324cef33aba890d040bb687f64d68ad75bc8006ca8da12d5c8b6f6fd335d32','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',19,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-650a-7779-b6c3-aa928761330d','dlr','dlr','77005000775','2026-11-29 23:26:12.746344+00:00','2026-11-29 23:26:16.715030+00:00','2026-11-26 23:52:06.717639+00:00','JSON','{"data":{"msg_id":"77005000775","status":"BUFFERED","timestamp":"2026-11-27 00:52:06.717639"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:06+01:00"}','4b818568241933c44096912298c4fd51c8bbdb4867757b725ffbc3bceb99dba0','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',20,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-650a-7779-b6c3-aa93a54e0938','dlr','dlr','77005000775','2026-11-29 23:26:12.746401+00:00','2026-11-29 23:26:16.715138+00:00','2026-11-26 23:52:10.583196+00:00','POST','{"data":{"msg_id":"77005000775","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:10.583196"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:10+01:00"}','47195a6f9e236858fc4edfb349216a09235212f8b358bc928fa494436aa76fc3','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',21,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6515-759b-8d82-7df1654c1d08','dlr','dlr','77005000773','2026-11-29 23:26:12.757299+00:00','2026-11-29 23:26:16.715238+00:00','2026-11-26 23:53:03.182755+00:00','GET','{"msg_id":"77005000773","status":"ACCEPTED","timestamp":"2026-11-27 00:53:03.182755","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:03+01:00"}','e07d3f16f1bc5b2c135f0e6dd09e910dfe307480e790f6da5b3be0a9ef23faf9','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',22,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6515-759b-8d82-7df2fd5e5143','dlr','dlr','77005000776','2026-11-29 23:26:12.757678+00:00','2026-11-29 23:26:16.715331+00:00','2026-11-26 23:53:04.497675+00:00','GET','{"msg_id":"77005000776","status":"ACCEPTED","timestamp":"2026-11-27 00:53:04.497675","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:04+01:00"}','5218ff4a6793108a18c61bd98df9e26b2c85d35ac20e2f9b507e385fa01586b8','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',23,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9f9cc0cd262','dlr','dlr','77005000775','2026-11-29 23:26:12.780107+00:00','2026-11-29 23:26:16.715423+00:00','2026-11-26 23:52:06.717639+00:00','POST','{"data":{"msg_id":"77005000775","status":"BUFFERED","timestamp":"2026-11-27 00:52:06.717639"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:06+01:00"}','4b818568241933c44096912298c4fd51c8bbdb4867757b725ffbc3bceb99dba0','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',24,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9fa01a17767','dlr','dlr','77005000776','2026-11-29 23:26:12.780341+00:00','2026-11-29 23:26:16.715513+00:00','2026-11-26 23:53:09.602735+00:00','JSON','{"data":{"msg_id":"77005000776","status":"TRANSMITTED","timestamp":"2026-11-27 00:53:09.602735"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:09+01:00"}','8275bb1e22ca1a756508b6b62a778bfcd1b13d015c699334a3618fef5c60a5a9','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',25,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9fbabbdd15b','dlr','dlr','77005000773','2026-11-29 23:26:12.780427+00:00','2026-11-29 23:26:16.715625+00:00','2026-11-26 23:53:20.388358+00:00','POST','{"msg_id":"77005000773","status":"DELIVERED","timestamp":"2026-11-27 00:53:20.388358","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:20+01:00"}','9f8b7de43e1d0bb78670748dfea0d8b27395cd76fc8637123fd5faf68655ae1b','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',26,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9fc915aeb78','dlr','dlr','77005000766','2026-11-29 23:26:12.780517+00:00','2026-11-29 23:26:16.716570+00:00','2026-11-26 23:53:26.021053+00:00','JSON','{"data":{"msg_id":"77005000766","status":"DELIVERED","timestamp":"2026-11-27 00:53:26.021053"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:26+01:00"}','4bb0ca48e35ba8875e18687dfca9b6cef3f692b1282ce26ba6e7f1709b434cba','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',27,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9fdd0dbfc29','dlr','dlr','77005000760','2026-11-29 23:26:12.780581+00:00','2026-11-29 23:26:16.716805+00:00','2026-11-26 23:52:06.780206+00:00','JSON','{"data":{"msg_id":"77005000760","status":"DELIVERED","timestamp":"2026-11-27 00:52:06.780206","foreign_id":"order-5-760"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:06+01:00"}','3ae3ed3befc9aacc21051c0f21065d647aa2a2c8480f9a2bc2f5a1c3de355bea','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',28,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-652c-71cc-881b-f9fe3d58eb75','dlr','dlr','77005000773','2026-11-29 23:26:12.780660+00:00','2026-11-29 23:26:16.716920+00:00','2026-11-26 23:53:05.867681+00:00','POST','{"data":{"msg_id":"77005000773","status":"TRANSMITTED","timestamp":"2026-11-27 00:53:05.867681"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:05+01:00"}','af07b996b765b8ff0fcefba8af59903a138edcceb247343db36068f3eb2cf312','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',29,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6532-7258-a3bd-397d4b359ec7','dlr','dlr','77005000776','2026-11-29 23:26:12.786669+00:00','2026-11-29 23:26:16.717025+00:00','2026-11-26 23:53:40.792349+00:00','GET','{"msg_id":"77005000776","status":"DELIVERED","timestamp":"2026-11-27 00:53:40.792349","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:40+01:00"}','45b456f9c0a5ead1ecda9c99858319178c38718055dc939da692af0d92ebd50c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',30,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6532-7258-a3bd-397e10755944','dlr','dlr','77005000761','2026-11-29 23:26:12.786890+00:00','2026-11-29 23:26:16.717124+00:00','2026-11-26 23:53:44.735984+00:00','GET','{"msg_id":"77005000761","status":"ACCEPTED","timestamp":"2026-11-27 00:53:44.735984","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:44+01:00"}','4586944ed5e0ad35cd417517518065657aeb2eea1ce634b544b2f8547d8c342c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',31,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-653c-7799-8488-882af82fa9af','dlr','dlr','77005000763','2026-11-29 23:26:12.796324+00:00','2026-11-29 23:26:16.717224+00:00','2026-11-26 23:54:08.074588+00:00','GET','{"msg_id":"77005000763","status":"ACCEPTED","timestamp":"2026-11-27 00:54:08.074588","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:08+01:00"}','e72eb075b21f990b0c4acbb9d62c63ddc2c19f5835012f173fd8f36ea747cd9e','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',32,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-653c-7799-8488-882b4fc0ff1b','dlr','dlr','77005000763','2026-11-29 23:26:12.796522+00:00','2026-11-29 23:26:16.717324+00:00','2026-11-26 23:54:14.232136+00:00','GET','{"msg_id":"77005000763","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:14.232136","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:14+01:00"}','015987a4281c336840ab0df284583c2faaa4618639083c1cb0be86872228617c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',33,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6551-7146-9208-23d76046dd92','dlr','dlr','77005000766','2026-11-29 23:26:12.817114+00:00','2026-11-29 23:26:16.717420+00:00','2026-11-26 23:52:44.317260+00:00','GET','{"msg_id":"77005000766","status":"TRANSMITTED","timestamp":"2026-11-27 00:52:44.317260","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:52:44+01:00"}','27930753d67478ab0e11b377fa56b2cd4ed069f1faf6b63f3455cfcd49843691','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',34,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6494-7243-8fc1-1cf140560494','rcs','parked',NULL,'2026-11-29 23:26:12.628271+00:00',NULL,NULL,'GET','{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"DELIVERED","timestamp":"2026-11-27 00:39:56.628801","webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:39:56+01:00"}','5fad204fb1f0aa5d7f87f5616e57d4aa2624b60a73c7e993f0726b08c927fc20','parked','an event type not known here','66b8a662a3e4480fb664c464b0d1def0',1,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6494-7243-8fc1-1cf234cdaa16','rcs','parked',NULL,'2026-11-29 23:26:12.628864+00:00',NULL,NULL,'GET','{"data":{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"READ","timestamp":"2026-11-27 00:48:08.753733"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:48:08+01:00"}','a05308c59b730545ca1d2a70e255d1bedae165ff7c15c838a92d50b712412b15','parked','an event type not known here','66b8a662a3e4480fb664c464b0d1def0',2,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6551-7146-9208-23d970798ea0','dlr','dlr','77005000761','2026-11-29 23:26:12.817544+00:00','2026-11-29 23:26:16.883376+00:00','2026-11-26 23:53:46.674259+00:00','POST','{"data":{"msg_id":"77005000761","status":"REJECTED","timestamp":"2026-11-27 00:53:46.674259"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:53:46+01:00"}','8874e10d21fc852addf7f10499576bf7a001b92f07b9090c119c9781c61fffd1','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',35,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6551-7146-9208-23da8330f0c1','dlr','dlr','77005000763','2026-11-29 23:26:12.817665+00:00','2026-11-29 23:26:16.883625+00:00','2026-11-26 23:54:18.075203+00:00','POST','{"msg_id":"77005000763","status":"FAILED","timestamp":"2026-11-27 00:54:18.075203","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:18+01:00"}','c6688c2756ec73003bd10a63a0a116e8bad311e4982bae024b6ddf4ef9885933','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',36,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6552-749f-b987-a6b5d7cf6000','dlr','dlr','77005000779','2026-11-29 23:26:12.818981+00:00','2026-11-29 23:26:16.883737+00:00','2026-11-26 23:54:25.577488+00:00','JSON','{"data":{"msg_id":"77005000779","status":"ACCEPTED","timestamp":"2026-11-27 00:54:25.577488"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:25+01:00"}','e1020c46f563276d2875cbd8b885b93a2b247e84f88a44434020a908a65d477c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',37,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6553-7484-825a-dea03970f41d','dlr','dlr','77005000779','2026-11-29 23:26:12.819135+00:00','2026-11-29 23:26:16.883814+00:00','2026-11-26 23:54:28.259193+00:00','POST','{"data":{"msg_id":"77005000779","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:28.259193"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:28+01:00"}','11b10b61daace8a6adc402ba9d345519a5968ac868350d75079cfef862b004d1','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',38,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6561-764d-aa71-b6bc96aa5e25','dlr','dlr','77005000771','2026-11-29 23:26:12.833387+00:00','2026-11-29 23:26:16.883880+00:00','2026-11-26 23:54:45.193546+00:00','POST','{"data":{"msg_id":"77005000771","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:45.193546"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:45+01:00"}','c889fbf81ad282edc71b55361f241bd9803bc19ce2dea62ce2153771734efc66','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',39,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6561-764d-aa71-b6bd79717c13','dlr','dlr','77005000779','2026-11-29 23:26:12.833585+00:00','2026-11-29 23:26:16.883943+00:00','2026-11-26 23:54:25.577488+00:00','GET','{"data":{"msg_id":"77005000779","status":"ACCEPTED","timestamp":"2026-11-27 00:54:25.577488"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:25+01:00"}','e1020c46f563276d2875cbd8b885b93a2b247e84f88a44434020a908a65d477c','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',40,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6561-764d-aa71-b6be0d8c83c5','dlr','dlr','77005000771','2026-11-29 23:26:12.833703+00:00','2026-11-29 23:26:16.884004+00:00','2026-11-26 23:54:37.981894+00:00','POST','{"msg_id":"77005000771","status":"ACCEPTED","timestamp":"2026-11-27 00:54:37.981894","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:37+01:00"}','55cfbfa88d9114b13a332eee53764b089669a820ed61f66ee08376c0877d8006','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',41,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6574-74fe-92e4-4bfb79da1cf0','dlr','dlr','77005000762','2026-11-29 23:26:12.852114+00:00','2026-11-29 23:26:16.884070+00:00','2026-11-26 23:54:57.655119+00:00','GET','{"data":{"msg_id":"77005000762","status":"TRANSMITTED","timestamp":"2026-11-27 00:54:57.655119"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:57+01:00"}','a050e7ccb6113596a366b6c3c9fa3442e3b61e58e6edd28466b8d1c559468af8','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',42,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6578-7564-852b-c1959ed2c6c9','dlr','dlr','77005000774','2026-11-29 23:26:12.856566+00:00','2026-11-29 23:26:16.884132+00:00','2026-11-26 23:55:02.492591+00:00','GET','{"msg_id":"77005000774","status":"ACCEPTED","timestamp":"2026-11-27 00:55:02.492591","webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:02+01:00"}','d511f120bb1e9d29a001cd086d39c2d6863fa7e0add309835852be114f1050de','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',43,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-657c-7010-9e08-297d50ff2038','dlr','dlr','77005000771','2026-11-29 23:26:12.860010+00:00','2026-11-29 23:26:16.884194+00:00','2026-11-26 23:55:07.471588+00:00','POST','{"data":{"msg_id":"77005000771","status":"DELIVERED","timestamp":"2026-11-27 00:55:07.471588"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:07+01:00"}','b19d3ad3fd585267f510ce5d295ae6668ff88b60de25fbb16adaeda0e6aa8df2','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',44,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-657c-7010-9e08-297e39ee9cf9','dlr','dlr','77005000762','2026-11-29 23:26:12.860191+00:00','2026-11-29 23:26:16.884257+00:00','2026-11-26 23:54:50.694840+00:00','JSON','{"data":{"msg_id":"77005000762","status":"ACCEPTED","timestamp":"2026-11-27 00:54:50.694840"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:54:50+01:00"}','d6fde1f7d29b9e9e2a3a3e7f70057bbcfc2e0448103fc7c67dc4c3efae110637','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',45,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-657c-7010-9e08-297fbd994ebd','dlr','dlr','77005000774','2026-11-29 23:26:12.860263+00:00','2026-11-29 23:26:16.884320+00:00','2026-11-26 23:55:05.017698+00:00','JSON','{"data":{"msg_id":"77005000774","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:05.017698"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:05+01:00"}','0a7396009f478a1b6343f701caa9ac991b5883422833d759467edd06f43a6545','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',46,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-657c-7010-9e08-29804096a756','dlr','dlr','77005000762','2026-11-29 23:26:12.860317+00:00','2026-11-29 23:26:16.884380+00:00','2026-11-26 23:55:07.086611+00:00','JSON','{"data":{"msg_id":"77005000762","status":"DELIVERED","timestamp":"2026-11-27 00:55:07.086611"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:07+01:00"}','6ac1f0c1406f831c65f8a19f6d9152bcee160ee1810e26226d9d868f25c7cb80','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',47,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-657c-7010-9e08-2981b1cc5bf7','dlr','dlr','77005000764','2026-11-29 23:26:12.860379+00:00','2026-11-29 23:26:16.884441+00:00','2026-11-26 23:55:14.169355+00:00','POST','{"data":{"msg_id":"77005000764","status":"ACCEPTED","timestamp":"2026-11-27 00:55:14.169355"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:14+01:00"}','0c55a13cb538befa05dd0515743520d18331b297ad1a0ff1d61e5caeea98fc00','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',48,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6588-7083-afcf-12016999b4f5','dlr','dlr','77005000764','2026-11-29 23:26:12.872054+00:00','2026-11-29 23:26:16.884509+00:00','2026-11-26 23:55:17.119442+00:00','GET','{"data":{"msg_id":"77005000764","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:17.119442"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:17+01:00"}','ca9b6f9d3ca46c5a51bf978eb010944745029ad7e85a5765d90ef42e8953b16b','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',49,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6588-7083-afcf-12027606514c','dlr','dlr','77005000778','2026-11-29 23:26:12.872271+00:00','2026-11-29 23:26:16.884572+00:00','2026-11-26 23:55:17.601327+00:00','POST','{"data":{"msg_id":"77005000778","status":"ACCEPTED","timestamp":"2026-11-27 00:55:17.601327"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:17+01:00"}','87406b0d734034ae0d362553af2f3c1ed572923919f46d2a9416f47db75eebfe','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',50,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6593-75db-be2e-2250a84e8ca8','dlr','dlr','77005000764','2026-11-29 23:26:12.883146+00:00','2026-11-29 23:26:16.884657+00:00','2026-11-26 23:55:17.119442+00:00','GET','{"data":{"msg_id":"77005000764","status":"TRANSMITTED","timestamp":"2026-11-27 00:55:17.119442"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:17+01:00"}','ca9b6f9d3ca46c5a51bf978eb010944745029ad7e85a5765d90ef42e8953b16b','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',51,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-659c-714c-9651-8d047df05bf9','dlr','dlr','77005000779','2026-11-29 23:26:12.892123+00:00','2026-11-29 23:26:16.884725+00:00','2026-11-26 23:55:24.008231+00:00','JSON','{"data":{"msg_id":"77005000779","status":"DELIVERED","timestamp":"2026-11-27 00:55:24.008231"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:24+01:00"}','c4a0c4d6f7b4044b34ce2931adbcc84b209158ddb4bfb58746ef9b24e511df75','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',52,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-659c-714c-9651-8d05890ee6af','dlr','dlr','77005000764','2026-11-29 23:26:12.892284+00:00','2026-11-29 23:26:16.884788+00:00','2026-11-26 23:55:41.659523+00:00','GET','{"data":{"msg_id":"77005000764","status":"DELIVERED","timestamp":"2026-11-27 00:55:41.659523"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:41+01:00"}','3517aa4ed1da86899dc35ec2bfe77f7306685cbe2f9ee04c3754bb7865718d31','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',53,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-659c-714c-9651-8d06c92e9641','dlr','dlr','77005000772','2026-11-29 23:26:12.892395+00:00','2026-11-29 23:26:16.884851+00:00','2026-11-26 23:55:46.816760+00:00','JSON','{"data":{"msg_id":"77005000772","status":"ACCEPTED","timestamp":"2026-11-27 00:55:46.816760","foreign_id":"order-5-772"},"webhook_event":"dlr","webhook_timestamp":"2026-11-27T00:55:46+01:00"}','8aa2bacfdfa6b51bf67dd96f8af8f0fc6d37ba5798a1fdaf21fb31f3c7101671','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',54,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6499-75ab-b776-f396ee580fe2','voice_call','voice_call','inbound 5001013','2026-11-29 23:26:12.633758+00:00','2026-11-29 23:26:16.775162+00:00','2026-11-26 23:47:56.000000+00:00','POST','{"id":"5001013","caller":"447700900979","system":"493023125000","time":"1795736876","webhook_event":"voice_call","webhook_timestamp":"2026-11-27T00:47:56+01:00"}','99fd3513ccb8d50636b9b23c2e5d0fe4577b3f1d07206d315805c5fb1e8703d1','applied',NULL,'66b8a662a3e4480fb664c464b0d1def0',1,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-653d-72da-a841-67b59f25335c','rcs','parked',NULL,'2026-11-29 23:26:12.797318+00:00',NULL,NULL,'GET','{"data":{"agent_id":"example_agent","sender":"447700900027","msg_id":"77005500154","status":"IS_TYPING","timestamp":"2026-11-27 00:54:22.308570"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:54:22+01:00"}','b4ad564a6736bda1694455ff755b693c77ddcaaf263b288a26bda21cac5ed2ed','parked','an event type not known here','66b8a662a3e4480fb664c464b0d1def0',3,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6568-7628-b427-8452124cdd82','rcs','parked',NULL,'2026-11-29 23:26:12.840161+00:00',NULL,NULL,'JSON','{"data":{"id":5900154,"sender":"447700900027","time":1795737285,"message_type":"RCS","content_type":"location","agent_id":"example_agent","location":{"latitude":52.5,"longitude":13.4}},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:54:46+01:00"}','d4cbb098a54dc2cf29bb45fd2511156057fba66f12861422e7b56f97c64774a4','parked','an event type not known here','66b8a662a3e4480fb664c464b0d1def0',4,'127.0.0.1');
INSERT INTO "deliveries" VALUES('01a229a1-6573-7280-9d2f-2b2796631eb8','rcs','parked',NULL,'2026-11-29 23:26:12.851915+00:00',NULL,NULL,'JSON','{"data":{"agent_id":"example_agent","sender":"447700900027","foreign_id":null,"msg_id":"77005500154","status":"IS_TYPING","timestamp":"2026-11-27 00:54:22.308570"},"webhook_event":"rcs","webhook_timestamp":"2026-11-27T00:54:22+01:00"}','b4ad564a6736bda1694455ff755b693c77ddcaaf263b288a26bda21cac5ed2ed','parked','an event type not known here','66b8a662a3e4480fb664c464b0d1def0',5,'127.0.0.1');
CREATE TABLE hook_changes (
	id TEXT NOT NULL, 
	at TEXT, 
	action TEXT, 
	hook_id TEXT, 
	event_type TEXT, 
	request_method TEXT, 
	event_filter TEXT, 
	applied BOOLEAN, 
	reason TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE inbound_messages (
	id TEXT NOT NULL, 
	sender TEXT, 
	recipient TEXT, 
	text TEXT, 
	sent_at TEXT, 
	message_type TEXT, 
	changed_at TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE ledger_marks (
	ledger TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	last_ordinal BIGINT, 
	born_at TEXT, 
	seen_at TEXT, 
	closed_at TEXT, 
	PRIMARY KEY (ledger, queue)
);
CREATE TABLE link_events (
	sms_id TEXT NOT NULL, 
	tracking_url TEXT NOT NULL, 
	type TEXT NOT NULL, 
	nth BIGINT NOT NULL, 
	at TEXT, 
	PRIMARY KEY (sms_id, tracking_url, type, nth)
);
CREATE TABLE links (
	sms_id TEXT NOT NULL, 
	tracking_url TEXT NOT NULL, 
	label TEXT, 
	final_url TEXT, 
	clicks BIGINT, 
	views BIGINT, 
	first_at TEXT, 
	last_at TEXT, 
	changed_at TEXT NOT NULL, 
	PRIMARY KEY (sms_id, tracking_url)
);
CREATE TABLE message_statuses (
	msg_id TEXT NOT NULL, 
	status TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (msg_id, status, at)
);
INSERT INTO "message_statuses" VALUES('77005000760','ACCEPTED','2026-11-26 23:51:30.539587+00:00');
INSERT INTO "message_statuses" VALUES('77005000760','DELIVERED','2026-11-26 23:52:06.780206+00:00');
INSERT INTO "message_statuses" VALUES('77005000760','TRANSMITTED','2026-11-26 23:51:38.251428+00:00');
INSERT INTO "message_statuses" VALUES('77005000761','ACCEPTED','2026-11-26 23:53:44.735984+00:00');
INSERT INTO "message_statuses" VALUES('77005000763','ACCEPTED','2026-11-26 23:54:08.074588+00:00');
INSERT INTO "message_statuses" VALUES('77005000763','TRANSMITTED','2026-11-26 23:54:14.232136+00:00');
INSERT INTO "message_statuses" VALUES('77005000766','ACCEPTED','2026-11-26 23:52:42.827355+00:00');
INSERT INTO "message_statuses" VALUES('77005000766','DELIVERED','2026-11-26 23:53:26.021053+00:00');
INSERT INTO "message_statuses" VALUES('77005000766','TRANSMITTED','2026-11-26 23:52:44.317260+00:00');
INSERT INTO "message_statuses" VALUES('77005000768','ACCEPTED','2026-11-26 23:50:21.810075+00:00');
INSERT INTO "message_statuses" VALUES('77005000768','DELIVERED','2026-11-26 23:51:15.048862+00:00');
INSERT INTO "message_statuses" VALUES('77005000768','TRANSMITTED','2026-11-26 23:50:24.614104+00:00');
INSERT INTO "message_statuses" VALUES('77005000769','ACCEPTED','2026-11-26 23:49:27.024547+00:00');
INSERT INTO "message_statuses" VALUES('77005000769','DELIVERED','2026-11-26 23:49:38.765422+00:00');
INSERT INTO "message_statuses" VALUES('77005000769','TRANSMITTED','2026-11-26 23:49:34.778342+00:00');
INSERT INTO "message_statuses" VALUES('77005000770','ACCEPTED','2026-11-26 23:48:43.030020+00:00');
INSERT INTO "message_statuses" VALUES('77005000770','DELIVERED','2026-11-26 23:49:10.883928+00:00');
INSERT INTO "message_statuses" VALUES('77005000770','TRANSMITTED','2026-11-26 23:48:48.070305+00:00');
INSERT INTO "message_statuses" VALUES('77005000773','ACCEPTED','2026-11-26 23:53:03.182755+00:00');
INSERT INTO "message_statuses" VALUES('77005000773','DELIVERED','2026-11-26 23:53:20.388358+00:00');
INSERT INTO "message_statuses" VALUES('77005000773','TRANSMITTED','2026-11-26 23:53:05.867681+00:00');
INSERT INTO "message_statuses" VALUES('77005000775','ACCEPTED','2026-11-26 23:51:48.700476+00:00');
INSERT INTO "message_statuses" VALUES('77005000775','BUFFERED','2026-11-26 23:52:06.717639+00:00');
INSERT INTO "message_statuses" VALUES('77005000775','TRANSMITTED','2026-11-26 23:52:10.583196+00:00');
INSERT INTO "message_statuses" VALUES('77005000776','ACCEPTED','2026-11-26 23:53:04.497675+00:00');
INSERT INTO "message_statuses" VALUES('77005000776','DELIVERED','2026-11-26 23:53:40.792349+00:00');
INSERT INTO "message_statuses" VALUES('77005000776','TRANSMITTED','2026-11-26 23:53:09.602735+00:00');
INSERT INTO "message_statuses" VALUES('77005000777','ACCEPTED','2026-11-26 23:51:03.896334+00:00');
INSERT INTO "message_statuses" VALUES('77005000777','DELIVERED','2026-11-26 23:51:30.313514+00:00');
INSERT INTO "message_statuses" VALUES('77005000777','TRANSMITTED','2026-11-26 23:51:05.192752+00:00');
INSERT INTO "message_statuses" VALUES('77005000761','REJECTED','2026-11-26 23:53:46.674259+00:00');
INSERT INTO "message_statuses" VALUES('77005000762','ACCEPTED','2026-11-26 23:54:50.694840+00:00');
INSERT INTO "message_statuses" VALUES('77005000762','DELIVERED','2026-11-26 23:55:07.086611+00:00');
INSERT INTO "message_statuses" VALUES('77005000762','TRANSMITTED','2026-11-26 23:54:57.655119+00:00');
INSERT INTO "message_statuses" VALUES('77005000763','FAILED','2026-11-26 23:54:18.075203+00:00');
INSERT INTO "message_statuses" VALUES('77005000764','ACCEPTED','2026-11-26 23:55:14.169355+00:00');
INSERT INTO "message_statuses" VALUES('77005000764','DELIVERED','2026-11-26 23:55:41.659523+00:00');
INSERT INTO "message_statuses" VALUES('77005000764','TRANSMITTED','2026-11-26 23:55:17.119442+00:00');
INSERT INTO "message_statuses" VALUES('77005000771','ACCEPTED','2026-11-26 23:54:37.981894+00:00');
INSERT INTO "message_statuses" VALUES('77005000771','DELIVERED','2026-11-26 23:55:07.471588+00:00');
INSERT INTO "message_statuses" VALUES('77005000771','TRANSMITTED','2026-11-26 23:54:45.193546+00:00');
INSERT INTO "message_statuses" VALUES('77005000772','ACCEPTED','2026-11-26 23:55:46.816760+00:00');
INSERT INTO "message_statuses" VALUES('77005000774','ACCEPTED','2026-11-26 23:55:02.492591+00:00');
INSERT INTO "message_statuses" VALUES('77005000774','TRANSMITTED','2026-11-26 23:55:05.017698+00:00');
INSERT INTO "message_statuses" VALUES('77005000778','ACCEPTED','2026-11-26 23:55:17.601327+00:00');
INSERT INTO "message_statuses" VALUES('77005000779','ACCEPTED','2026-11-26 23:54:25.577488+00:00');
INSERT INTO "message_statuses" VALUES('77005000779','DELIVERED','2026-11-26 23:55:24.008231+00:00');
INSERT INTO "message_statuses" VALUES('77005000779','TRANSMITTED','2026-11-26 23:54:28.259193+00:00');
CREATE TABLE messages (
	msg_id TEXT NOT NULL, 
	status TEXT, 
	result TEXT, 
	final BOOLEAN, 
	status_at TEXT, 
	rank INTEGER, 
	foreign_id TEXT, 
	first_seen_at TEXT, 
	last_seen_at TEXT, 
	changed_at TEXT NOT NULL, 
	PRIMARY KEY (msg_id)
);
INSERT INTO "messages" VALUES('77005000760','DELIVERED','delivered',1,'2026-11-26 23:52:06.780206+00:00',8,'order-5-760','2026-11-26 23:51:30.539587+00:00','2026-11-26 23:52:06.780206+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000761','REJECTED','failed',1,'2026-11-26 23:53:46.674259+00:00',4,NULL,'2026-11-26 23:53:44.735984+00:00','2026-11-26 23:53:46.674259+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000763','FAILED','failed',1,'2026-11-26 23:54:18.075203+00:00',5,NULL,'2026-11-26 23:54:08.074588+00:00','2026-11-26 23:54:18.075203+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000766','DELIVERED','delivered',1,'2026-11-26 23:53:26.021053+00:00',8,NULL,'2026-11-26 23:52:42.827355+00:00','2026-11-26 23:53:26.021053+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000768','DELIVERED','delivered',1,'2026-11-26 23:51:15.048862+00:00',8,NULL,'2026-11-26 23:50:21.810075+00:00','2026-11-26 23:51:15.048862+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000769','DELIVERED','delivered',1,'2026-11-26 23:49:38.765422+00:00',8,NULL,'2026-11-26 23:49:27.024547+00:00','2026-11-26 23:49:38.765422+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000770','DELIVERED','delivered',1,'2026-11-26 23:49:10.883928+00:00',8,'order-5-770','2026-11-26 23:48:43.030020+00:00','2026-11-26 23:49:10.883928+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000773','DELIVERED','delivered',1,'2026-11-26 23:53:20.388358+00:00',8,NULL,'2026-11-26 23:53:03.182755+00:00','2026-11-26 23:53:20.388358+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000775','TRANSMITTED','pending',0,'2026-11-26 23:52:10.583196+00:00',3,NULL,'2026-11-26 23:51:48.700476+00:00','2026-11-26 23:52:10.583196+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000776','DELIVERED','delivered',1,'2026-11-26 23:53:40.792349+00:00',8,NULL,'2026-11-26 23:53:04.497675+00:00','2026-11-26 23:53:40.792349+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000777','DELIVERED','delivered',1,'2026-11-26 23:51:30.313514+00:00',8,'order-5-777','2026-11-26 23:51:03.896334+00:00','2026-11-26 23:51:30.313514+00:00','2026-11-29 23:26:16.846000+00:00');
INSERT INTO "messages" VALUES('77005000762','DELIVERED','delivered',1,'2026-11-26 23:55:07.086611+00:00',8,NULL,'2026-11-26 23:54:50.694840+00:00','2026-11-26 23:55:07.086611+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000764','DELIVERED','delivered',1,'2026-11-26 23:55:41.659523+00:00',8,NULL,'2026-11-26 23:55:14.169355+00:00','2026-11-26 23:55:41.659523+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000771','DELIVERED','delivered',1,'2026-11-26 23:55:07.471588+00:00',8,NULL,'2026-11-26 23:54:37.981894+00:00','2026-11-26 23:55:07.471588+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000772','ACCEPTED','pending',0,'2026-11-26 23:55:46.816760+00:00',1,'order-5-772','2026-11-26 23:55:46.816760+00:00','2026-11-26 23:55:46.816760+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000774','TRANSMITTED','pending',0,'2026-11-26 23:55:05.017698+00:00',3,NULL,'2026-11-26 23:55:02.492591+00:00','2026-11-26 23:55:05.017698+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000778','ACCEPTED','pending',0,'2026-11-26 23:55:17.601327+00:00',1,NULL,'2026-11-26 23:55:17.601327+00:00','2026-11-26 23:55:17.601327+00:00','2026-11-29 23:26:16.888000+00:00');
INSERT INTO "messages" VALUES('77005000779','DELIVERED','delivered',1,'2026-11-26 23:55:24.008231+00:00',8,NULL,'2026-11-26 23:54:25.577488+00:00','2026-11-26 23:55:24.008231+00:00','2026-11-29 23:26:16.888000+00:00');
CREATE TABLE seven_ingest_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT seven_ingest_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "seven_ingest_version" VALUES('0005');
CREATE TABLE tallies (
	ledger TEXT NOT NULL, 
	queue TEXT NOT NULL, 
	fate TEXT NOT NULL, 
	first_ordinal BIGINT NOT NULL, 
	last_ordinal BIGINT, 
	received_at TEXT, 
	tallied_at TEXT, 
	PRIMARY KEY (ledger, queue, fate, first_ordinal)
);
CREATE INDEX ix_deliveries_subject ON deliveries (subject);
CREATE INDEX ix_messages_changed_at ON messages (changed_at);
CREATE INDEX ix_messages_foreign_id ON messages (foreign_id);
CREATE INDEX ix_inbound_messages_changed_at ON inbound_messages (changed_at);
CREATE INDEX ix_calls_changed_at ON calls (changed_at);
CREATE INDEX ix_calls_foreign_id ON calls (foreign_id);
CREATE INDEX ix_links_changed_at ON links (changed_at);
CREATE VIEW delivery_rates AS 
        SELECT substr(first_seen_at, 1, 13) || ':00:00.000000+00:00' AS hour, status, result, count(*) AS messages
        FROM messages GROUP BY 1, status, result;
CREATE VIEW link_totals AS 
        SELECT label, final_url, count(*) AS links, sum(CASE WHEN clicks > 0 THEN 1 ELSE 0 END) AS clicked_links,
               CAST(coalesce(sum(clicks), 0) AS BIGINT) AS clicks, CAST(coalesce(sum(views), 0) AS BIGINT) AS views
        FROM links GROUP BY label, final_url;
CREATE VIEW link_activity AS 
        SELECT substr(event.at, 1, 13) || ':00:00.000000+00:00' AS hour, links.label, links.final_url,
               sum(CASE WHEN event.type = 'click' THEN 1 ELSE 0 END) AS clicks,
               sum(CASE WHEN event.type = 'view' THEN 1 ELSE 0 END) AS views
        FROM link_events AS event
        JOIN links AS links ON links.sms_id = event.sms_id AND links.tracking_url = event.tracking_url
        GROUP BY 1, links.label, links.final_url;
CREATE VIEW call_costs AS 
        SELECT direction, call_id, started_at, duration_s, (duration_s + 59) / 60 AS billed_minutes, price_per_minute,
               coalesce(total_price, (duration_s + 59) / 60 * price_per_minute) AS cost_eur,
               CASE WHEN total_price IS NOT NULL THEN 'reported'
                    WHEN price_per_minute IS NOT NULL AND duration_s IS NOT NULL THEN 'computed' END AS cost_basis
        FROM calls;
CREATE INDEX ix_deliveries_ledger_queue_ordinal ON deliveries (ledger, queue, ordinal);
CREATE INDEX ix_deliveries_outcome_id ON deliveries (outcome, id) WHERE outcome <> 'applied';
CREATE INDEX ix_deliveries_outcome_received_at ON deliveries (outcome, received_at) WHERE payload IS NOT NULL;
CREATE INDEX ix_inbound_messages_sent_at ON inbound_messages (sent_at);
CREATE INDEX ix_inbound_messages_sent_at_text ON inbound_messages (sent_at) WHERE text IS NOT NULL;
CREATE INDEX ix_message_statuses_at ON message_statuses (at);
CREATE INDEX ix_call_statuses_at ON call_statuses (at);
CREATE INDEX ix_link_events_at ON link_events (at);
COMMIT;
