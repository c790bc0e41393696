"""What crosses between Qanat's services: documents, messages, records, errors; and the two stores."""
