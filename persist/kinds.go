package persist

// The closed set of kinds. A new kind is declared here, gets its struct in the
// file of its subject and its table in the SQL migrations; a test of the
// conformance suite fails until all agree.
var (
	AccountIndex = newKind[AccountEntry]("system", "account_index")
	DataKeys     = newKind[DataKey]("system", "data_keys")
	APIKeys      = newKind[APIKey]("system", "api_keys")
	AuditLog     = newKind[AuditEntry]("system", "audit_log", Index{"by_tenant", []string{"tenant"}})
	Webhooks     = newKind[Webhook]("system", "webhooks", Index{"by_tenant", []string{"tenant"}}, Index{"by_account", []string{"account"}})
	Accounts     = newKind[Account]("account", "accounts")
	Counters     = newKind[Counter]("account", "counters")

	Contacts          = newKind[Contact]("account", "contacts")
	Chats             = newKind[Chat]("account", "chats", Index{"by_activity", []string{"last_message_at"}})
	ChatSettings      = newKind[ChatSetting]("account", "chat_settings")
	Messages          = newKind[Message]("account", "messages", Index{"by_time", []string{"chat", "timestamp", "seq"}}, Index{"by_id", []string{"id"}})
	MessageContents   = newKind[MessageContent]("account", "message_content", Index{"by_time", []string{"timestamp", "seq"}})
	GroupParticipants = newKind[GroupParticipant]("account", "group_participants")
	MessageAmendments = newKind[MessageAmendment]("account", "message_amendments")
	MessageReactions  = newKind[MessageReaction]("account", "message_reactions")
	UserReceipts      = newKind[UserReceipt]("account", "user_receipts")
	MediaData         = newKind[Media]("account", "media_data")
	MediaUploads      = newKind[MediaUpload]("account", "media_uploads")
	PollVotes         = newKind[PollVote]("account", "poll_votes")
	Labels            = newKind[Label]("account", "labels")
	LabelItems        = newKind[LabelItem]("account", "label_items", Index{"by_chat", []string{"chat", "message_id"}})

	Events          = newKind[Event]("account", "events")
	Consumers       = newKind[Consumer]("account", "event_consumers")
	Deliveries      = newKind[WebhookDelivery]("account", "webhook_deliveries", Index{"by_due", []string{"webhook", "state", "next_at"}})
	Outbox          = newKind[OutboxItem]("account", "outbox", Index{"by_order", []string{"accepted_seq"}})
	SendResults     = newKind[SendResult]("account", "send_results")
	IdempotencyKeys = newKind[IdempotencyKey]("account", "idempotency_keys")
	HistoryParts    = newKind[HistoryPart]("account", "history_parts", Index{"by_order", []string{"seq"}})

	AuthSessions     = newKind[AuthSession]("account", "auth_sessions")
	Identities       = newKind[Identity]("account", "signal_identities")
	SignalSessions   = newKind[SignalSession]("account", "signal_sessions")
	PreKeys          = newKind[PreKey]("account", "signal_prekeys")
	SenderKeys       = newKind[SenderKey]("account", "signal_sender_keys", Index{"by_sender", []string{"sender"}})
	AppStateKeys     = newKind[AppStateKey]("account", "app_state_keys")
	AppStateVersions = newKind[AppStateVersion]("account", "app_state_versions")
	AppStateMACs     = newKind[AppStateMAC]("account", "app_state_macs")
	MessageSecrets   = newKind[MessageSecret]("account", "message_secrets")
	PrivacyTokens    = newKind[PrivacyToken]("account", "privacy_tokens")
	NCTSalts         = newKind[NCTSalt]("account", "nct_salts")
	DecryptedEvents  = newKind[DecryptedEvent]("account", "decrypted_events", Index{"by_insert", []string{"replay", "inserted_at"}})
	OutgoingEvents   = newKind[OutgoingEvent]("account", "outgoing_events", Index{"by_insert", []string{"inserted_at"}})
	LIDMappings      = newKind[LIDMapping]("account", "lid_mappings")
)

// Tables lists the table of every kind.
func Tables() []*Table {
	return []*Table{
		AccountIndex.Table, DataKeys.Table, APIKeys.Table, AuditLog.Table, Webhooks.Table, Accounts.Table, Counters.Table,
		Contacts.Table, Chats.Table, ChatSettings.Table, Messages.Table, MessageContents.Table,
		GroupParticipants.Table, MessageAmendments.Table, MessageReactions.Table, UserReceipts.Table, MediaData.Table,
		MediaUploads.Table, PollVotes.Table, Labels.Table, LabelItems.Table,
		Events.Table, Consumers.Table, Deliveries.Table, Outbox.Table, SendResults.Table, IdempotencyKeys.Table, HistoryParts.Table,
		AuthSessions.Table, Identities.Table, SignalSessions.Table, PreKeys.Table, SenderKeys.Table,
		AppStateKeys.Table, AppStateVersions.Table, AppStateMACs.Table, MessageSecrets.Table,
		PrivacyTokens.Table, NCTSalts.Table, DecryptedEvents.Table, OutgoingEvents.Table, LIDMappings.Table,
	}
}
